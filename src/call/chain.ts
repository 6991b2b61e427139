/** Header by which a caller says that it sends a request again, or as part of one that was sent again. */
export const RESEND_HEADER = 'mesh-resend'

/** Header by which an instance says with a failing answer that what failed behind it has been tried again already. */
export const RETRIED_HEADER = 'mesh-retried'

/**
 * What one inbound request and the calls that it causes know of each other's tries, so that in a chain of services only one
 * sends again: were each of three layers to try three times, the last one would get 27 requests for one.
 */
export class Chain {
  #spent = false

  /** `isResend`: the request is itself one more try, of its caller's or of one before that. */
  constructor(readonly isResend: boolean) {}

  /** Whether a call failed although it was tried again, or was not for lack of budget: the caller is not to try on top of that. */
  get spent(): boolean {
    return this.#spent
  }

  spend(): void {
    this.#spent = true
  }
}
