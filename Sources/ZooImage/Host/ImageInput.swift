// From a picture to an input tensor, and from there to classes.
import CZoo
import Zoo

/// An input that takes pictures, and how the model wants them.
struct ImageInput {
  private let tensor: zoo_tensor
  private let preprocessing: Preprocessing

  /// Input `index` of a session.
  ///
  /// - Throws: `ZOO_INVALID_ARGUMENT`, `ZOO_INVALID_SHAPE` or `ZOO_UNSUPPORTED_TYPE` unless there is such an
  ///   input, it is [1, height, width, 1 or 3], and its elements are f32, u8, i8, or i16 with one scale.
  init(_ session: OpaquePointer?, _ index: Int) throws(HostError) {
    guard let state = state(session) else {
      throw HostError(ZOO_INVALID_ARGUMENT, "session is NULL")
    }
    guard let input = zoo_input(session, index) else {
      throw HostError(
        ZOO_INVALID_ARGUMENT, "no such input, inputs", expected: zoo_input_count(session),
        got: index)
    }
    let shape = input.pointee.extent
    guard shape.rank == 4, shape[0] == 1 else {
      throw HostError(ZOO_INVALID_SHAPE, "the input is not one image, rank", got: shape.rank)
    }
    guard shape[3] == 1 || shape[3] == 3 else {
      throw HostError(ZOO_INVALID_SHAPE, "channels of an image input, 1 or 3", got: shape[3])
    }
    let type = input.pointee.type
    guard type == ZOO_F32 || type == ZOO_U8 || type == ZOO_I8 || type == ZOO_I16 else {
      throw HostError(
        ZOO_UNSUPPORTED_TYPE, "image inputs are f32, u8, i8 or i16, zoo_type",
        got: Int(type.rawValue))
    }
    guard type != ZOO_I16 || input.pointee.scale_count == 1 else {
      throw HostError(
        ZOO_UNSUPPORTED_TYPE, "an image input of i16 has one scale, scales",
        got: Int(input.pointee.scale_count))
    }
    tensor = input.pointee
    preprocessing = state.pointee.model.preprocessing ?? .fallback
  }

  /// What shows through transparent pixels of pictures for this input.
  var background: (UInt8, UInt8, UInt8) { preprocessing.background }

  /// Writes `image` into the input.
  func fill(from image: borrowing Image) throws(HostError) {
    let shape = tensor.extent
    guard let data = tensor.data else {
      throw HostError(ZOO_INVALID_ARGUMENT, "the input has no memory")
    }
    do throws(ImageError) {
      if tensor.type == ZOO_F32 {
        try image.write(
          preprocessing, width: shape[2], height: shape[1], channels: shape[3],
          to: data.assumingMemoryBound(to: Float.self))
        return
      }
      if tensor.type == ZOO_I8 || tensor.type == ZOO_I16, tensor.scale_count == 1 {
        let reals = UnsafeMutablePointer<Float>.allocate(capacity: shape.elementCount)
        defer { reals.deallocate() }
        try image.write(
          preprocessing, width: shape[2], height: shape[1], channels: shape[3], to: reals)
        quantize(reals, into: tensor)
        return
      }
      let bytes = data.assumingMemoryBound(to: UInt8.self)
      try image.write(
        preprocessing, width: shape[2], height: shape[1], channels: shape[3], to: bytes)
      if tensor.type == ZOO_I8 {
        // x - 128 in two's complement.
        for index in 0..<tensor.size { bytes[index] ^= 0x80 }
      }
    } catch { throw HostError(error) }
  }
}

/// A list of classes the caller has room for.
struct Predictions {
  private let top: UnsafeMutablePointer<zoo_prediction>
  private let count: UnsafeMutablePointer<Int>

  init(
    _ top: UnsafeMutablePointer<zoo_prediction>?, _ count: UnsafeMutablePointer<Int>?
  ) throws(HostError) {
    guard let top, let count else {
      throw HostError(ZOO_INVALID_ARGUMENT, "top or count is NULL")
    }
    self.top = top
    self.count = count
  }

  /// Runs `session` on what its inputs hold and writes the best classes.
  func run(_ session: OpaquePointer?) throws(HostError) {
    try check { zoo_run(session, $0) }
    try check { zoo_top(session, top, count, $0) }
  }

  /// Classifies `image`.
  func classify(_ session: OpaquePointer?, _ image: borrowing Image) throws(HostError) {
    try ImageInput(session, 0).fill(from: image)
    try run(session)
  }

  /// Classifies the picture in the file at `path`.
  func classify(_ session: OpaquePointer?, fileAt path: UnsafePointer<CChar>) throws(HostError) {
    let input = try ImageInput(session, 0)
    var options = ImageOptions()
    options.background = input.background
    if let state = state(session), let owner = HostSession.of(state),
      owner.pointee.maximumPixels > 0
    {
      options.maximumPixels = Int(clamping: owner.pointee.maximumPixels)
    }
    let file = try MappedFile(path)
    do throws(HostError) {
      let image: Image
      do throws(ImageError) {
        image = try Image(decoding: file.bytes, options: options)
      } catch { throw HostError(error) }
      try input.fill(from: image)
    } catch { throw error.of(path) }
    try run(session)
  }
}
