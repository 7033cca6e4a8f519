// swift-format-ignore-file: AlwaysUseLowerCamelCase

// Pools, models and sessions for C: decode arguments, call, report. No logic.
import CZoo
public import CZooImage
import CZooPlatform
import Zoo

/// A failure about an argument that must not be NULL.
private func isNull(_ what: StaticString) -> HostError { HostError(ZOO_INVALID_ARGUMENT, what) }

@c @implementation
public func zoo_pool_create(
  _ threads: UInt32, _ pool: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  pool?.pointee = nil
  do throws(HostError) {
    guard let pool else { throw isNull("pool is NULL") }
    try HostOptions.checkThreads(threads)
    guard let made = zoo_platform_pool_create(HostOptions.resolve(threads: threads)) else {
      throw HostError(ZOO_OUT_OF_MEMORY, "no memory for threads", got: Int(threads))
    }
    pool.pointee = made
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_pool_destroy(_ pool: OpaquePointer?) { zoo_platform_pool_destroy(pool) }

@c @implementation
public func zoo_pool_parallel(_ pool: OpaquePointer?) -> zoo_parallel { zoo_parallel(pool: pool) }

@c @implementation
public func zoo_model_open(
  _ path: UnsafePointer<CChar>?, _ model: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  model?.pointee = nil
  do throws(HostError) {
    guard let model else { throw isNull("model is NULL") }
    guard let path else { throw isNull("path is NULL") }
    model.pointee = OpaquePointer(try ModelFile.open(path))
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_model_close(_ model: OpaquePointer?) {
  if let model { ModelFile.at(model).release() }
}

@c @implementation
public func zoo_session_open(
  _ model: OpaquePointer?, _ options: UnsafePointer<zoo_host_options>?,
  _ session: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  session?.pointee = nil
  do throws(HostError) {
    guard let session else { throw isNull("session is NULL") }
    guard let model else { throw isNull("model is NULL") }
    session.pointee = try HostSession.open(ModelFile.at(model), try HostOptions(options))
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_open(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<zoo_host_options>?,
  _ session: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  session?.pointee = nil
  do throws(HostError) {
    guard let session else { throw isNull("session is NULL") }
    guard let path else { throw isNull("path is NULL") }
    let options = try HostOptions(options)
    let model = try ModelFile.open(path)
    defer { model.release() }
    do throws(HostError) {
      session.pointee = try HostSession.open(model, options)
    } catch { throw error.of(path) }
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_close(_ session: OpaquePointer?) { HostSession.close(session) }
