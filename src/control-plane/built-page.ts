/** The page as one document, and the Content-Security-Policy that it runs under. */
export interface BuiltPage {
  readonly html: string
  readonly policy: string
}

/** The place that the build puts the page into (`dashboard.config.ts`); run from source without a bundler there is none. */
export const builtPage: BuiltPage | undefined = undefined
