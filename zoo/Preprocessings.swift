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

/// RGB minus the mean of CIFAR's training images, divided by their deviation; the centre of a photo.
let cifarPreprocessing: Preprocessing = {
  var result = Preprocessing()
  result.resizeMode = .shortSide
  result.resizeSide = 32
  result.mean = (125.3, 123.0, 113.9)
  result.scale = (1 / 63.0, 1 / 62.1, 1 / 66.7)
  return result
}()
