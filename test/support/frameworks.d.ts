// The major versions before, installed beside the ones of today under names of their own.
declare module 'express-4' {
  export { default } from 'express'
}

declare module 'fastify-4' {
  export { default } from 'fastify'
}
