// What a newcomer can do with the running demo, from another terminal.
import type { Member } from './report.js'

interface Running {
  readonly url: string
  /** A command that shows who is in the registry. */
  readonly look: string
  readonly clientSecret: string
  readonly order: Member
  readonly user: Member
}

export function whatToTry({ url, look, clientSecret, order, user }: Running): readonly string[] {
  return [
    'See who calls whom, how well, and whom each request goes to: in a browser, or in this terminal:',
    `  ${url}/`,
    `  node dist/cli.js top --url ${url}`,
    '',
    'See who is in the registry:',
    `  ${look}`,
    '',
    'See what an order service knows of the user services, and why it calls them as it does:',
    `  curl http://${order.address}/mesh`,
    '',
    'Knock without a token, and be refused:',
    `  curl -i http://${order.address}/orders/1`,
    '',
    'Come as edge, with a token for orders:',
    `  TOKEN=$(curl -s -u edge:${clientSecret} -d grant_type=client_credentials -d audience=orders \\`,
    `    ${url}/oauth2/token | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
    `  curl -H "authorization: Bearer $TOKEN" http://${order.address}/orders/1`,
    '',
    'Kill a user service, and ask for orders again: none is lost.',
    `  kill -9 ${user.pid}`,
    '',
    'Ctrl-C here ends everything.',
  ]
}
