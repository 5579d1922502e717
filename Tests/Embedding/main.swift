import Foundation
import FoundationNetworking
import Gateway

let gateway = try await Gateway.start(.onFreePorts)
try await gateway.impair { $0.lossPercent = 100 }
var request = URLRequest(url: URL(string: gateway.url + "/api/messages?timeout_ms=200")!)
request.httpMethod = "POST"
request.httpBody = Data("hello".utf8)
let (answer, _) = try await URLSession.shared.data(for: request)
print(String(decoding: answer, as: UTF8.self))
await gateway.stop()
