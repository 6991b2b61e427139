import { headerValue, type HeaderList } from './call/headers.js'
import { PRIORITY_HEADER, priorityOf, type Priority } from './call/priority.js'

/**
 * Header fields of a call. The service is the host, whatever address is picked: servers see one name, and it may serve as
 * theirs. A priority is told when it is not the normal one.
 */
export function callHeaders(headers: HeaderList, service: string, priority: Priority): HeaderList {
  const list = ['host', service]
  if (priority !== 'normal') list.push(PRIORITY_HEADER, priority)
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== 'host' && headers[i] !== PRIORITY_HEADER) list.push(headers[i]!, headers[i + 1]!)
  }
  return list
}

/** The priority that a client without an option for it, such as fetch, gives by a header field. */
export function priorityIn(headers: HeaderList): Priority | undefined {
  const value = headerValue(headers, PRIORITY_HEADER)
  return value === undefined ? undefined : priorityOf(value)
}
