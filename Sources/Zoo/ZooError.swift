// The one error of the runtime: a status and numbers, no heap; text is made at the C boundary.
package import CZoo

/// What went wrong, where, what was expected and what was found.
package struct ZooError: Error {
  /// The stable code given to C.
  package var status: zoo_status
  /// What is wrong, in a few words, without the numbers.
  package var what: StaticString
  /// Node index, or `ZOO_NO_NODE`.
  package var node: UInt32
  /// Numbers printed after `what`: expected and got; `nil` ones are left out.
  package var expected: Int?
  /// The value found.
  package var got: Int?
  /// The words of an operator that failed, if it had any.
  var message: zoo_error?

  package init(
    _ status: zoo_status, _ what: StaticString, expected: Int? = nil, got: Int? = nil,
    node: UInt32 = UInt32.max
  ) {
    self.status = status
    self.what = what
    self.expected = expected
    self.got = got
    self.node = node
  }

  /// The same error, said of a node.
  package func at(node: UInt32) -> ZooError {
    var copy = self
    copy.node = node
    return copy
  }
}

extension ZooError {
  package static func corrupt(_ what: StaticString, expected: Int? = nil, got: Int? = nil)
    -> ZooError
  {
    ZooError(ZOO_MODEL_CORRUPT, what, expected: expected, got: got)
  }

  package static func shape(_ what: StaticString, expected: Int? = nil, got: Int? = nil) -> ZooError
  {
    ZooError(ZOO_INVALID_SHAPE, what, expected: expected, got: got)
  }

  package static func attribute(
    _ what: StaticString, expected: Int? = nil, got: Int? = nil
  ) -> ZooError {
    ZooError(ZOO_INVALID_ATTRIBUTE, what, expected: expected, got: got)
  }

  static func type(_ what: StaticString, got: Int? = nil) -> ZooError {
    ZooError(ZOO_UNSUPPORTED_TYPE, what, got: got)
  }
}
