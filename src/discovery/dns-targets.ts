import type { RecordWithTtl, SrvRecord } from 'node:dns'
import { targetOf, type KnownTargets } from './dns-endpoints.js'
import type { DnsQuestions } from './dns-questions.js'

export interface TargetReading {
  readonly targets: KnownTargets
  /** Why some target's addresses are older than this look, or missing. */
  readonly failure: Error | undefined
}

/**
 * Finds the addresses of every target. One that cannot be asked for keeps those it had, so that trouble with one zone does
 * not take its endpoints away; when nothing at all is known, the failure is thrown.
 */
export async function findTargets(
  records: readonly SrvRecord[],
  known: KnownTargets,
  questions: DnsQuestions,
): Promise<TargetReading> {
  let failure: Error | undefined
  const find = async (target: string): Promise<readonly [string, readonly RecordWithTtl[]] | undefined> => {
    try {
      return [target, await addressesOf(target, questions)]
    } catch (error) {
      failure ??= error as Error
      const before = known.get(target)
      return before && [target, before]
    }
  }
  const names = new Set(records.map(({ name }) => targetOf(name)))
  const found = await Promise.all([...names].map(find))
  const targets = new Map(found.filter((each) => each !== undefined))
  if (failure !== undefined && targets.size === 0) throw failure
  return { targets, failure }
}

/** A server that has both kinds of address is one server and not two. */
async function addressesOf(target: string, questions: DnsQuestions): Promise<readonly RecordWithTtl[]> {
  const addresses = await questions.addresses(target, 'A')
  return addresses.length > 0 ? addresses : questions.addresses(target, 'AAAA')
}
