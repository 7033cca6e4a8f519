// swift-format-ignore-file: AlwaysUseLowerCamelCase

// Sessions for C: decode arguments, call, report. No logic.
public import CZoo
import CZooKernels

/// The session behind a handle.
package func state(_ session: OpaquePointer?) -> UnsafeMutablePointer<SessionState>? {
  session.map { UnsafeMutablePointer<SessionState>($0) }
}

private func read(
  _ model: UnsafeRawPointer?, _ size: Int, _ verify: ModelReader.Verification
) throws(ZooError) -> ModelReader {
  guard let model else { throw ZooError(ZOO_INVALID_ARGUMENT, "model is NULL") }
  guard size >= 0 else { throw ZooError(ZOO_INVALID_ARGUMENT, "size of the model") }
  return try ModelReader(model, byteCount: size, verify: verify)
}

@c @implementation
public func zoo_model_check(
  _ model: UnsafeRawPointer?, _ model_size: Int, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  do throws(ZooError) {
    _ = try read(model, model_size, .everything)
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_session_arena_size(
  _ model: UnsafeRawPointer?, _ model_size: Int, _ options: UnsafePointer<zoo_options>?,
  _ arena_size: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  do throws(ZooError) {
    guard let arena_size else { throw ZooError(ZOO_INVALID_ARGUMENT, "arena_size is NULL") }
    let options = try SessionOptions(options)
    arena_size.pointee = SessionLayout(try read(model, model_size, options.verification)).byteCount
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_session_scratch_size(
  _ model: UnsafeRawPointer?, _ model_size: Int, _ options: UnsafePointer<zoo_options>?,
  _ scratch_size: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  do throws(ZooError) {
    guard let scratch_size else { throw ZooError(ZOO_INVALID_ARGUMENT, "scratch_size is NULL") }
    let options = try SessionOptions(options)
    let reader = try read(model, model_size, options.verification)
    scratch_size.pointee = try options.scratchByteCounts(reader).whole
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_session_init(
  _ model: UnsafeRawPointer?, _ model_size: Int, _ arena: UnsafeMutableRawPointer?,
  _ arena_size: Int, _ options: UnsafePointer<zoo_options>?,
  _ session: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  var count = 0
  let all = zoo_all_operators(&count)
  return makeSession(
    all, count, usesCustom: true, model, model_size, arena, arena_size, options, session, error)
}

@c @implementation
public func zoo_session_init_using(
  _ operators: UnsafePointer<UnsafePointer<zoo_operator>?>?, _ operator_count: Int,
  _ model: UnsafeRawPointer?, _ model_size: Int, _ arena: UnsafeMutableRawPointer?,
  _ arena_size: Int, _ options: UnsafePointer<zoo_options>?,
  _ session: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  makeSession(
    operators, operator_count, usesCustom: false, model, model_size, arena, arena_size, options,
    session, error)
}

private func makeSession(
  _ builtIn: UnsafePointer<UnsafePointer<zoo_operator>?>?, _ builtInCount: Int, usesCustom: Bool,
  _ model: UnsafeRawPointer?, _ model_size: Int, _ arena: UnsafeMutableRawPointer?,
  _ arena_size: Int, _ options: UnsafePointer<zoo_options>?,
  _ session: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  session?.pointee = nil
  do throws(ZooError) {
    guard let session else { throw ZooError(ZOO_INVALID_ARGUMENT, "session is NULL") }
    guard let arena else { throw ZooError(ZOO_INVALID_ARGUMENT, "arena is NULL") }
    guard arena_size >= 0 else { throw ZooError(ZOO_INVALID_ARGUMENT, "arena_size") }
    let options = try SessionOptions(options)
    let reader = try read(model, model_size, options.verification)
    let tables = OperatorTables(
      custom: usesCustom ? options.value.operators : nil,
      customCount: usesCustom ? options.value.operator_count : 0, builtIn: builtIn,
      builtInCount: builtInCount)
    session.pointee = OpaquePointer(
      try SessionState.make(
        reader, arena: arena, byteCount: arena_size, options: options, operators: tables))
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_run(
  _ session: OpaquePointer?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  do throws(ZooError) {
    guard let state = state(session) else {
      throw ZooError(ZOO_INVALID_ARGUMENT, "session is NULL")
    }
    try state.pointee.run()
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_input_count(_ session: OpaquePointer?) -> Int {
  state(session)?.pointee.model.inputs.count ?? 0
}

@c @implementation
public func zoo_output_count(_ session: OpaquePointer?) -> Int {
  state(session)?.pointee.model.outputs.count ?? 0
}

@c @implementation
public func zoo_input(_ session: OpaquePointer?, _ index: Int) -> UnsafePointer<zoo_tensor>? {
  guard let state = state(session), index >= 0, index < state.pointee.model.inputs.count else {
    return nil
  }
  return UnsafePointer(state.pointee.inputs + index)
}

@c @implementation
public func zoo_output(_ session: OpaquePointer?, _ index: Int) -> UnsafePointer<zoo_tensor>? {
  guard let state = state(session), index >= 0, index < state.pointee.model.outputs.count else {
    return nil
  }
  return UnsafePointer(state.pointee.outputs + index)
}

@c @implementation
public func zoo_session_isa(_ session: OpaquePointer?) -> zoo_isa {
  guard let state = state(session) else { return ZOO_ISA_AUTO }
  return zoo_isa(rawValue: state.pointee.runtime.kernels.isa)
}
