import { forbiddenAddress } from './forbidden-address.js'
import { isForbiddenPort } from './forbidden-port.js'
import { host, optionError, port, type Reader } from './validate.js'

/** A host to which calls may go. Whoever can write into a registry must not be able to send a service to what its own machine alone can reach. */
export const reachableHost: Reader<string> = (value, path) => {
  const name = host(value, path)
  const what = forbiddenAddress(name)
  if (what === undefined) return name
  throw optionError(path, `an address at which a service can be, not ${what}`, value)
}

/** A port to which calls may go. */
export const httpPort: Reader<number> = (value, path) => {
  const number = port(value, path)
  if (!isForbiddenPort(number)) return number
  throw optionError(path, 'a port for HTTP, not one that Fetch blocks or that a cache listens at', value)
}
