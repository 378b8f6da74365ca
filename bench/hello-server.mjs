/** The floor of the request benches: node:http answering a constant. Prints its port. */
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  request.resume()
  response.end('hello')
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
