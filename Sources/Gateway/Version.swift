/// Yodel's version, by semantic versioning.
public let version = "0.1.0"
