// How pictures become inputs, for each kind of data.
import Zoo

/// Grey 0...1, light ink on dark, centred as MNIST's makers did.
let digitPreprocessing: Preprocessing = {
  var result = Preprocessing()
  result.resizeMode = .digit
  result.channelOrder = .gray
  result.scale = (1 / 255, 1 / 255, 1 / 255)
  return result
}()

/// The same, minus the mean of MNIST, divided by its deviation: what PyTorch's examples do.
let standardizedDigits: Preprocessing = {
  var result = digitPreprocessing
  let (mean, scale): (Float, Float) = (0.1307 * 255, 1 / (0.3081 * 255))
  result.mean = (mean, mean, mean)
  result.scale = (scale, scale, scale)
  return result
}()

/// RGB minus the mean of CIFAR's training images, divided by their deviation; the centre of a photo.
let cifarPreprocessing: Preprocessing = {
  var result = Preprocessing()
  result.resizeMode = .shortSide
  result.resizeSide = 32
  result.mean = (125.3, 123.0, 113.9)
  result.scale = (1 / 63.0, 1 / 62.1, 1 / 66.7)
  return result
}()

/// RGB minus the mean of ImageNet, divided by its deviation: what torchvision's weights expect. The short side is scaled to
/// `side`, then the centre is cut out.
func imageNetPreprocessing(side: Int32 = 256) -> Preprocessing {
  var result = Preprocessing()
  result.resizeMode = .shortSide
  result.resizeSide = side
  result.mean = (123.675, 116.28, 103.53)
  result.scale = (1 / 58.395, 1 / 57.12, 1 / 57.375)
  return result
}

/// RGB -1...1, as Inception and MobileNet v1 were trained.
func symmetricPreprocessing(side: Int32) -> Preprocessing {
  var result = Preprocessing()
  result.resizeMode = .shortSide
  result.resizeSide = side
  result.mean = (127.5, 127.5, 127.5)
  result.scale = (1 / 127.5, 1 / 127.5, 1 / 127.5)
  return result
}

/// BGR minus a mean, not scaled: what Caffe's networks expect.
let caffePreprocessing: Preprocessing = {
  var result = Preprocessing()
  result.resizeMode = .stretch
  result.channelOrder = .bgr
  result.mean = (104, 117, 123)
  return result
}()
