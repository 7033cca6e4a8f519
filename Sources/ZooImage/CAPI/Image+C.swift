// swift-format-ignore-file: AlwaysUseLowerCamelCase

// Images for C: decode arguments, call, report. No logic.
import CImageCodecs
import CZoo
public import CZooImage
import CZooPlatform
import Zoo

extension Image {
  /// The image behind a handle of C.
  static func at(_ handle: OpaquePointer) -> UnsafeMutablePointer<Image> {
    UnsafeMutablePointer<Image>(handle)
  }

  /// Moves an image behind a handle that `zoo_image_free` ends.
  static func handle(_ image: consuming Image) throws(ImageError) -> OpaquePointer {
    guard let memory = zoo_codec_alloc(MemoryLayout<Image>.size) else {
      throw ImageError(ZOO_OUT_OF_MEMORY, "no memory for an image")
    }
    let place = memory.bindMemory(to: Image.self, capacity: 1)
    place.initialize(to: image)
    return OpaquePointer(place)
  }
}

extension ImageOptions {
  /// The options of a C caller, or the defaults.
  init(_ options: UnsafePointer<zoo_image_options>?) throws(ImageError) {
    self.init()
    guard let options else { return }
    let size = Int(options.pointee.struct_size)
    guard size >= 8, size <= MemoryLayout<zoo_image_options>.size else {
      throw ImageError(
        ZOO_INVALID_ARGUMENT, "struct_size of the image options",
        expected: MemoryLayout<zoo_image_options>.size, got: size)
    }
    var copy = zoo_image_options()
    withUnsafeMutableBytes(of: &copy) {
      $0.copyMemory(from: UnsafeRawBufferPointer(start: options, count: size))
    }
    guard copy.flags & ~UInt32(ZOO_IMAGE_KEEP_ORIENTATION) == 0 else {
      throw ImageError(ZOO_INVALID_ARGUMENT, "unknown flags", got: Int(copy.flags))
    }
    appliesOrientation = copy.flags & UInt32(ZOO_IMAGE_KEEP_ORIENTATION) == 0
    if copy.maximum_pixels > 0 {
      maximumPixels = Int(truncatingIfNeeded: min(copy.maximum_pixels, 1 << 40))
    }
    if copy.has_background != 0 { background = copy.background }
  }
}

@c @implementation
public func zoo_image_load(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<zoo_image_options>?,
  _ image: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  image?.pointee = nil
  guard let path, let image else {
    return ImageError(ZOO_INVALID_ARGUMENT, "path or image is NULL").report(to: error)
  }
  do throws(HostError) {
    let file = try MappedFile(path)
    do throws(ImageError) {
      let decoded = try Image(decoding: file.bytes, options: try ImageOptions(options))
      image.pointee = try Image.handle(decoded)
      return ZOO_OK
    } catch let failure { throw HostError(failure).of(path) }
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_image_decode(
  _ bytes: UnsafeRawPointer?, _ size: Int, _ options: UnsafePointer<zoo_image_options>?,
  _ image: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  image?.pointee = nil
  do throws(ImageError) {
    guard let bytes, let image, size >= 0 else {
      throw ImageError(ZOO_INVALID_ARGUMENT, "bytes or image is NULL")
    }
    let decoded = try Image(
      decoding: UnsafeRawBufferPointer(start: bytes, count: size),
      options: try ImageOptions(options))
    image.pointee = try Image.handle(decoded)
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_image_width(_ image: OpaquePointer?) -> UInt32 {
  image.map { UInt32(Image.at($0).pointee.width) } ?? 0
}

@c @implementation
public func zoo_image_height(_ image: OpaquePointer?) -> UInt32 {
  image.map { UInt32(Image.at($0).pointee.height) } ?? 0
}

@c @implementation
public func zoo_image_pixels(_ image: OpaquePointer?) -> UnsafePointer<UInt8>? {
  image.map { UnsafePointer(Image.at($0).pointee.pixels) }
}

@c @implementation
public func zoo_image_resize(
  _ image: OpaquePointer?, _ width: UInt32, _ height: UInt32, _ filter: zoo_filter,
  _ resized: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  resized?.pointee = nil
  do throws(ImageError) {
    guard let image, let resized else {
      throw ImageError(ZOO_INVALID_ARGUMENT, "image or resized is NULL")
    }
    guard let filter = ResizeFilter(rawValue: Int32(bitPattern: filter.rawValue)) else {
      throw ImageError(ZOO_INVALID_ARGUMENT, "unknown filter", got: Int(filter.rawValue))
    }
    guard width >= 1, height >= 1, width <= 65535, height <= 65535 else {
      throw ImageError(
        ZOO_INVALID_ARGUMENT, "size of an image", expected: 65535, got: Int(max(width, height)))
    }
    resized.pointee = try Image.handle(
      try Image.at(image).pointee.resized(
        width: Int(width), height: Int(height), filter: filter))
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_image_free(_ image: OpaquePointer?) {
  guard let image else { return }
  Image.at(image).deinitialize(count: 1)
  zoo_codec_free(UnsafeMutableRawPointer(image))
}
