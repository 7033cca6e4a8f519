// What kernels for matrix units are given beside their operands, and how many rows at a time.
import CZoo
import CZooKernels

/// Rows below which such a unit is no faster than vectors: a tile costs as much when half of its rows are missing.
private let fewRows = 8
/// Rows of one call of a kernel that takes any number.
private let mostRows = 256

extension Runtime {
  /// Scratch memory of thread `index` for a kernel that asks for `byteCount` bytes, in a product of `rows` rows in all. Nil if the kernel
  /// asks for none or there is none.
  func workspace(_ byteCount: UInt32, rows: Int, _ index: Int) -> UnsafeMutableRawPointer? {
    guard byteCount > 0, rows >= fewRows, let scratch, scratch.shareByteCount >= Int(byteCount)
    else { return nil }
    return scratch.share(index)
  }
}

/// Rows of one call: one tile of `tile` rows, or with a workspace many whole ones; at most `most`, for which there are pointers.
///
/// - Parameter line: pixels of a line of the output, if rows are regular only within lines. A kernel with a workspace cuts its rows into
///   equal blocks of two tiles of up to 16 rows. Lines of a multiple of 13, 14 or 15 pixels are then cut into whole tiles, which do not
///   straddle padding and are as fast for each row.
@inline(never)
func rowsPerCall(
  tile: Int, _ workspace: UnsafeMutableRawPointer?, most: Int, line: Int = 16
) -> Int {
  guard workspace != nil, most > tile else { return min(tile, most) }
  let most = min(mostRows, most)
  guard line % 16 != 0, let half = (13...15).last(where: { line % $0 == 0 }) else {
    return most / tile * tile
  }
  // Of more rows fewer, larger blocks would be made.
  return 2 * half * min(most / (2 * half), 31 / (32 - 2 * half))
}

/// Bytes of weights of one block of columns, which stay in L2 while `rows` with `taps` pointers each pass by. One `tile` of rows reads all
/// weights once: kernels then take as many panels at a time as memory is fast with (AVX2: one at a time 16 GB/s, four 24).
@inline(never)
func weightsPerBlock(_ workspace: UInt32, rows: Int, taps: Int, tile: UInt32) -> Int {
  guard workspace > 0 else { return rows <= tile ? 1 << 30 : 256 << 10 }
  // Rows are found, some of them copied, once for each block. The rows of one call pass by but once; CPUs with matrix units have 2 MB.
  return rows <= mostRows && rows * taps <= Int(ZOO_MEMORY_POINTERS) ? 1 << 30 : 640 << 10
}

/// Rows that are prepared at once for several calls: whole calls, at most `most` if that is one.
func rowsPerTable(_ rowsPerCall: Int, most: Int) -> Int {
  max(1, most / rowsPerCall) * rowsPerCall
}

/// Those of `columns` whose weights the first call of a kernel with a workspace fetches while it multiplies `nr` others: such kernels fetch what
/// they are told, and columns that are not the `first` of their thread have been fetched by the calls before.
@inline(never)
func coldColumns(
  _ columns: Range<Int>, first: Int, nr: UInt32, _ workspace: UnsafeMutableRawPointer?
) -> Range<Int> {
  guard workspace != nil, columns.lowerBound == first else { return 0..<0 }
  return min(columns.upperBound, first + Int(nr))..<columns.upperBound
}

/// Bytes of scratch memory that the kernel of an integer product wants for each thread; 0 for other operators.
func workspaceByteCount(ofOperator code: Int, _ kernels: zoo_kernels) -> Int {
  let isProduct = code == IntegerConv2D<Int8>.code || code == IntegerDense<Int8>.code
  return isProduct ? Int(kernels.i8_igemm.workspace) : 0
}
