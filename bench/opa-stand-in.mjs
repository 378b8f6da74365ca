/** In the place of OPA where none is installed: parses the question and says yes. Prints its port. */
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  let text = ''
  request.setEncoding('utf8')
  request.on('data', (chunk) => (text += chunk))
  request.on('end', () => {
    const { input } = text === '' ? {} : JSON.parse(text)
    const answer = JSON.stringify({ result: { allow: input !== undefined } })
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': answer.length,
    })
    response.end(answer)
  })
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
