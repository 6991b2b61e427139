import { fields, listOf, mapOf, serviceName, type Reader } from '../base/validate.js'
import { serviceOptions } from '../call/service-options.js'
import type { ServiceOptions } from '../call/policy.js'
import type { EndpointEntry } from './endpoint-reader.js'

/** One service as a static list writes it: its endpoints, or these together with what is wanted for calls to it. */
export type ServiceEntry =
  | readonly EndpointEntry[]
  | { readonly endpoints: readonly EndpointEntry[]; readonly policy?: ServiceOptions | undefined }

/** What a static list says about one service; its endpoints are not read yet. */
export interface ListedService {
  readonly endpoints: readonly unknown[]
  readonly policy: ServiceOptions
}

const list = listOf((entry: unknown) => entry)
const readFields = fields<ListedService>({ endpoints: list, policy: serviceOptions })

const listedService: Reader<ListedService> = (value, path) => {
  const given: Partial<ListedService> = Array.isArray(value) ? { endpoints: value } : readFields(value, path)
  return { endpoints: list(given.endpoints, `${path}.endpoints`), policy: given.policy ?? {} }
}

/** Reads a map from service to list, or throws `MESH_ERR_OPTION`. */
export const listedServices: Reader<Readonly<Record<string, ListedService>>> = mapOf(serviceName, listedService)
