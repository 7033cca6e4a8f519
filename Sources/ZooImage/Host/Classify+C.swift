// swift-format-ignore-file: AlwaysUseLowerCamelCase

// Pictures in, classes out, for C: decode arguments, call, report. No logic.
import CZoo
public import CZooImage

/// The picture behind a handle.
private func picture(_ image: OpaquePointer?) throws(HostError) -> UnsafePointer<Image> {
  guard let image else { throw HostError(ZOO_INVALID_ARGUMENT, "image is NULL") }
  return UnsafePointer(Image.at(image))
}

@c @implementation
public func zoo_set_image(
  _ session: OpaquePointer?, _ input_index: Int, _ image: OpaquePointer?,
  _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  do throws(HostError) {
    let input = try ImageInput(session, input_index)
    try input.fill(from: picture(image).pointee)
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_classify_image(
  _ session: OpaquePointer?, _ image: OpaquePointer?, _ top: UnsafeMutablePointer<zoo_prediction>?,
  _ count: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  do throws(HostError) {
    try Predictions(top, count).classify(session, picture(image).pointee)
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_classify_file(
  _ session: OpaquePointer?, _ path: UnsafePointer<CChar>?,
  _ top: UnsafeMutablePointer<zoo_prediction>?, _ count: UnsafeMutablePointer<Int>?,
  _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  do throws(HostError) {
    guard let path else { throw HostError(ZOO_INVALID_ARGUMENT, "path is NULL") }
    try Predictions(top, count).classify(session, fileAt: path)
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}
