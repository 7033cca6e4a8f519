// Decompression of .gz files, by zlib.
import CZlib
import ZooCompiler

/// The content of a gzip file; at most 1 GiB.
func gunzip(_ bytes: [UInt8], _ path: String) throws(CompileError) -> [UInt8] {
  let limit = 1 << 30
  var stream = z_stream()
  // 15 bits of window, 16 more for the gzip header.
  guard
    inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  else { throw CompileError("\(path): cannot start zlib") }
  defer { inflateEnd(&stream) }
  var result: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 18)
  var input = bytes
  let status: Int32 = input.withUnsafeMutableBufferPointer { source in
    stream.next_in = source.baseAddress
    stream.avail_in = UInt32(clamping: source.count)
    while true {
      let code = chunk.withUnsafeMutableBufferPointer { target -> Int32 in
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(target.count)
        return inflate(&stream, Z_NO_FLUSH)
      }
      result += chunk[0..<chunk.count - Int(stream.avail_out)]
      if code != Z_OK || result.count > limit { return code }
    }
  }
  guard status == Z_STREAM_END, result.count <= limit else {
    throw CompileError("\(path): damaged or truncated gzip file")
  }
  return result
}
