// Weight files of any format, told apart by their first bytes.
package import Foundation

/// Opens the safetensors, PyTorch or NumPy file at `path`.
///
/// - Throws: `CompileError` naming the path, if it cannot be read, is damaged or in another format.
package func openTensorFile(_ path: String) throws(CompileError) -> any TensorFile {
  let data = try mapFile(path)
  do throws(CompileError) {
    return try openTensorFile(data)
  } catch {
    throw CompileError("\(path): \(error)")
  }
}

/// Opens a file of weights that is in memory.
///
/// - Throws: as above, without a path.
package func openTensorFile(_ data: Data) throws(CompileError) -> any TensorFile {
  // First, because a header of 640 bytes begins like a pickle; nothing else has a brace there.
  if data.count > 8, data[data.startIndex + 8] == UInt8(ascii: "{") { return try SafeTensors(data) }
  if data.starts(with: zipSignature) {
    let entries = try Zip(data).entries
    if entries.contains(where: { isTorchIndex($0.name) }) { return try TorchFile(data) }
    if entries.contains(where: { $0.name.hasSuffix(".npy") }) { return try NumpyArchive(data) }
    throw CompileError("a ZIP archive with neither data.pkl (PyTorch) nor .npy files (NumPy)")
  }
  if data.starts(with: [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) { return try NumpyArchive(data) }
  // A pickle and its protocol: what torch.save wrote before ZIP archives.
  let head = data.prefix(2)
  if head.first == 0x80, 2...5 ~= head.last ?? 0 { return try TorchFile(data) }
  throw CompileError(
    "no weights known here, expected safetensors, PyTorch (.pt, .pth, .th) or NumPy (.npz, .npy)")
}
