/// As in the API's texts: brackets around IPv6.
export function addressText({ address, port }) {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/// Whether "this machine" is meant, which is another one elsewhere.
export function isLoopback(host) {
  return /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(host);
}
