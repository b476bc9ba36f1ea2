internal import MusterScheduling

/// What crosses between a rank and rank 0, where the coordinator is.
enum CoordinationMessage {
  // To rank 0
  case request(CoordinationRequest)
  /// A task has ended that may hold something.
  case ended(CoordinationOwner)
  /// A task doesn't wait any longer, for a reason of its rank's.
  case withdraw(CoordinationTicket, CoordinationOwner, MusterError)
  // From rank 0
  case answer(number: Int, CoordinationAnswer)
}

extension CoordinationMessage {
  private enum Kind: UInt8 {
    case request, ended, withdraw, answer
  }

  var bytes: [UInt8] {
    let buffer = WireBuffer(capacity: 256)
    switch self {
    case .request(let request):
      buffer.put(Kind.request)
      request.write(to: buffer)
    case .ended(let owner):
      buffer.put(Kind.ended)
      owner.write(to: buffer)
    case .withdraw(let ticket, let owner, let error):
      buffer.put(Kind.withdraw)
      buffer.put(ticket.rank)
      buffer.put(ticket.number)
      owner.write(to: buffer)
      CoordinationAnswer.failed(error).write(to: buffer)
    case .answer(let number, let answer):
      buffer.put(Kind.answer)
      buffer.put(number)
      answer.write(to: buffer)
    }
    return buffer.contents
  }

  init(_ bytes: [UInt8]) {
    self = bytes.withUnsafeBytes { raw in
      var reader = WireReader(raw)
      switch reader.get(Kind.self) {
      case .request: return .request(CoordinationRequest(from: &reader))
      case .ended: return .ended(CoordinationOwner(from: &reader))
      case .withdraw:
        let ticket = CoordinationTicket(rank: reader.get(), number: reader.get())
        let owner = CoordinationOwner(from: &reader)
        guard case .failed(let error) = CoordinationAnswer(from: &reader) else {
          preconditionFailure("a task stopped waiting without a reason")
        }
        return .withdraw(ticket, owner, error)
      case .answer: return .answer(number: reader.get(), CoordinationAnswer(from: &reader))
      }
    }
  }
}

extension WireBuffer {
  var contents: [UInt8] { Array(UnsafeRawBufferPointer(start: bytes, count: count)) }
  fileprivate func put(text: String) { put(bytes: Array(text.utf8)) }
}

extension WireReader {
  fileprivate mutating func getText() -> String { String(decoding: getBytes(), as: UTF8.self) }
}

extension CoordinationOwner {
  fileprivate func write(to buffer: WireBuffer) {
    switch self {
    case .program: buffer.put(false)
    case .task(let rank, let task, let attempt):
      buffer.put(true)
      buffer.put(rank)
      buffer.put(task)
      buffer.put(attempt)
    }
  }

  fileprivate init(from reader: inout WireReader) {
    self =
      reader.get(Bool.self)
      ? .task(rank: reader.get(), reader.get(), reader.get()) : .program
  }
}

extension CoordinationRequest {
  private enum Code: UInt8 {
    case acquire, release, set, clear, awaitSet, isSet, put, get, count, assign, read
  }

  fileprivate func write(to buffer: WireBuffer) {
    buffer.put(ticket.rank)
    buffer.put(ticket.number)
    owner.write(to: buffer)
    buffer.put(text: ownerName)
    buffer.put(object.kind)
    buffer.put(text: object.name)
    buffer.put(object.limit)
    buffer.put(text: object.valueType)
    buffer.put(timeout != nil)
    if let timeout { buffer.put(timeout) }
    switch operation {
    case .acquire: buffer.put(Code.acquire)
    case .release: buffer.put(Code.release)
    case .set: buffer.put(Code.set)
    case .clear: buffer.put(Code.clear)
    case .awaitSet: buffer.put(Code.awaitSet)
    case .isSet: buffer.put(Code.isSet)
    case .put(let value):
      buffer.put(Code.put)
      buffer.put(bytes: value)
    case .get: buffer.put(Code.get)
    case .count: buffer.put(Code.count)
    case .assign(let value):
      buffer.put(Code.assign)
      buffer.put(bytes: value)
    case .read: buffer.put(Code.read)
    }
  }

  fileprivate init(from reader: inout WireReader) {
    ticket = CoordinationTicket(rank: reader.get(), number: reader.get())
    owner = CoordinationOwner(from: &reader)
    ownerName = reader.getText()
    let kind = reader.get(CoordinationObject.Kind.self)
    let name = reader.getText()
    let limit = reader.get(Int.self)
    object = CoordinationObject(kind, name, limit: limit, valueType: reader.getText())
    timeout = reader.get(Bool.self) ? reader.get(Int.self) : nil
    operation =
      switch reader.get(Code.self) {
      case .acquire: .acquire
      case .release: .release
      case .set: .set
      case .clear: .clear
      case .awaitSet: .awaitSet
      case .isSet: .isSet
      case .put: .put(Array(reader.getBytes()))
      case .get: .get
      case .count: .count
      case .assign: .assign(Array(reader.getBytes()))
      case .read: .read
      }
  }
}

extension CoordinationAnswer {
  private enum Code: UInt8 {
    case done, isSet, count, value, failed
  }

  func write(to buffer: WireBuffer) {
    switch self {
    case .done: buffer.put(Code.done)
    case .isSet(let isSet):
      buffer.put(Code.isSet)
      buffer.put(isSet)
    case .count(let count):
      buffer.put(Code.count)
      buffer.put(count)
    case .value(let value):
      buffer.put(Code.value)
      buffer.put(bytes: value)
    case .failed(let error):
      buffer.put(Code.failed)
      do { buffer.put(bytes: try CodedValue.bytes(of: error)) } catch {
        preconditionFailure("an error can't be encoded: \(error)")
      }
    }
  }

  init(from reader: inout WireReader) {
    switch reader.get(Code.self) {
    case .done: self = .done
    case .isSet: self = .isSet(reader.get())
    case .count: self = .count(reader.get())
    case .value: self = .value(Array(reader.getBytes()))
    case .failed:
      do { self = .failed(try CodedValue.value(MusterError.self, from: Array(reader.getBytes()))) } catch {
        preconditionFailure("an error can't be decoded: \(error)")
      }
    }
  }
}
