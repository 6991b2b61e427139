/** The command line was not understood: it ends with 2 and a hint at the help. */
export class UsageError extends Error {}
