// Optimisers, schedules and losses against their formulas in Double.
import CZoo
import CZooTrainKernels
import Foundation
import TestSupport
import Testing
import Zoo
import ZooCompiler
import ZooTrain

struct OptimizerTests {
  /// Weights after three steps with constant gradients.
  private func reference(
    _ s: OptimizerSettings, weights: [Double], gradients: [Double], rate: Double, decays: Bool
  ) -> [Double] {
    var w = weights
    var first = [Double](repeating: 0, count: w.count)
    var second = first
    let decay = decays ? Double(s.decay) : 0
    for step in 1...3 {
      for i in w.indices {
        var g = gradients[i]
        if s.kind != .adamw { g += decay * w[i] }
        switch s.kind {
        case .sgd:
          first[i] = Double(s.momentum) * first[i] + g
          w[i] -= rate * (s.nesterov ? g + Double(s.momentum) * first[i] : first[i])
        case .rmsprop:
          first[i] = Double(s.rho) * first[i] + (1 - Double(s.rho)) * g * g
          w[i] -= rate * g / (first[i].squareRoot() + Double(s.epsilon))
        case .adam, .adamw:
          first[i] = Double(s.beta1) * first[i] + (1 - Double(s.beta1)) * g
          second[i] = Double(s.beta2) * second[i] + (1 - Double(s.beta2)) * g * g
          let m = first[i] / (1 - pow(Double(s.beta1), Double(step)))
          let v = second[i] / (1 - pow(Double(s.beta2), Double(step)))
          let old = w[i]
          w[i] -= rate * m / (v.squareRoot() + Double(s.epsilon))
          if s.kind == .adamw { w[i] -= rate * decay * old }
        }
      }
    }
    return w
  }

  @Test(arguments: OptimizerSettings.Kind.allCases)
  func followsItsFormula(_ kind: OptimizerSettings.Kind) throws {
    for isa in GradientTests.isas {
      let store = try ParameterStore(try smallNetwork())
      var settings = OptimizerSettings()
      settings.kind = kind
      settings.decay = 0.01
      var random = RandomStream(seed: 4)
      let optimizer = Optimizer(settings, store)
      let gradients = (0..<store.gradients.count).map { _ in Float(random.normal()) }
      store.gradients.floats = gradients
      let before = store.weights.floats
      for _ in 0..<3 { optimizer.step(rate: 0.02, try Workers(threads: 2, isa: isa)) }
      for entry in store.parameters {
        let range = entry.offset..<entry.offset + entry.shape.elementCount
        let expected = reference(
          settings, weights: before[range].map(Double.init),
          gradients: gradients[range].map(Double.init), rate: Double(Float(0.02)),
          decays: entry.decays)
        for (index, value) in zip(range, expected) {
          #expect(abs(Double(store.weights.base[index]) - value) <= 2e-5 * max(1, abs(value)))
        }
      }
    }
  }

  @Test func clippingKeepsTheDirection() throws {
    let workers = try Workers(threads: 2)
    let store = try ParameterStore(try smallNetwork())
    var settings = OptimizerSettings()
    settings.momentum = 0
    settings.clipNorm = 0.5
    store.weights.clear()
    store.gradients.floats = [Float](repeating: 1, count: store.gradients.count)
    let norm = Optimizer(settings, store).step(rate: 1, workers)
    #expect(abs(norm - Double(store.gradients.count).squareRoot()) < 1e-9)
    let expected = -0.5 / Double(store.gradients.count).squareRoot()
    #expect(abs(Double(store.weights.base[0]) - expected) < 1e-7)
  }

  @Test func schedulesReachTheirMarks() {
    var schedule = Schedule()
    schedule.rate = 0.4
    schedule.final = 0.01
    schedule.kind = .cosine
    #expect(schedule.rate(step: 0, of: 100) == 0.4)
    #expect(abs(schedule.rate(step: 50, of: 100) - 0.205) < 1e-6)
    #expect(schedule.rate(step: 99, of: 100) < 0.0102)
    schedule.warmUp = 0.1
    #expect(abs(schedule.rate(step: 0, of: 100) - 0.04) < 1e-6)
    #expect(abs(schedule.rate(step: 9, of: 100) - 0.4) < 1e-6)
    schedule.kind = .oneCycle
    #expect(schedule.rate(step: 0, of: 1000) < 0.017)
    #expect(abs(schedule.rate(step: 99, of: 1000) - 0.4) < 1e-6)
    schedule.kind = .step
    schedule.warmUp = 0
    #expect(schedule.rate(step: 49, of: 100) == 0.4)
    #expect(abs(schedule.rate(step: 50, of: 100) - 0.04) < 1e-7)
    #expect(abs(schedule.rate(step: 75, of: 100) - 0.004) < 1e-7)
    schedule.kind = .constant
    #expect(schedule.rate(step: 99, of: 100) == 0.4)
  }

  @Test(arguments: LossKind.allCases)
  func lossGradientsEqualCentralDifferences(_ kind: LossKind) throws {
    var builder = NetworkBuilder(RandomWeights(seed: 8))
    let image = builder.image(height: 1, width: 1, channels: 3)
    let output = try builder.dense("d", try builder.flatten(image), 5)
    let graph = try builder.finish(output)
    let workers = try Workers(threads: 1)
    let labels: [Int32] = [3, 0, 4, 1]
    for smoothing in [Float(0), 0.2] {
      let network = try TrainingNetwork(
        graph, batch: 4, seed: 1, loss: LossFunction(kind, smoothing: smoothing), workers: workers)
      var random = RandomStream(seed: 2)
      for index in 0..<network.input.count {
        network.input.value[index] = Float(random.normal())
      }
      _ = network.step(labels: labels, number: 0)
      let weights = network.store.weights
      let gradients = network.store.gradients.floats
      for entry in network.store.parameters {
        for index in entry.offset..<entry.offset + entry.shape.elementCount {
          let value = weights.base[index]
          let h: Float = 1e-2
          weights.base[index] = value + h
          let above = network.step(labels: labels, number: 0).loss
          weights.base[index] = value - h
          let below = network.step(labels: labels, number: 0).loss
          weights.base[index] = value
          #expect(abs(Double(gradients[index]) - (above - below) / Double(2 * h)) < 2e-4)
        }
      }
    }
  }

  @Test func crossEntropyOfKnownLogits() throws {
    var builder = NetworkBuilder(RandomWeights(seed: 8))
    let image = builder.image(height: 1, width: 1, channels: 2)
    let output = try builder.dense("d", try builder.flatten(image), 2, bias: false)
    let graph = try builder.finish(output)
    let network = try TrainingNetwork(
      graph, batch: 1, seed: 1, loss: LossFunction(), workers: try Workers(threads: 1))
    network.store.weights.floats = [1, 0, 0, 1]
    network.input.value[0] = 2
    network.input.value[1] = 0
    let result = network.step(labels: [1], number: 0)
    #expect(abs(result.loss - log(1 + exp(2.0))) < 1e-6)
    #expect(result.correct == 0)
  }

  /// Instruction sets that only add integers train with the best floats there are.
  @Test func trainsWithTheBestFloatsOfTheCPU() throws {
    for isa in availableISAs {
      let workers = try Workers(threads: 1, isa: isa)
      let best = isa.rawValue > ZOO_ISA_AVX512.rawValue ? ZOO_ISA_AVX512 : isa
      #expect(String(cString: workers.kernels.isa_name) == name(of: best))
    }
    #expect(try Workers(threads: 1).isaName == availableISAs.last.map(name))
  }
}
