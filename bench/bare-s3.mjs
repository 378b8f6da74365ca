/**
 * The floor of the bench of S3: node:http over a folder, with nothing checked, nothing synced and nothing remembered. Prints its port.
 *
 * node bench/bare-s3.mjs DIRECTORY
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import path from 'node:path'
import { pipeline } from 'node:stream'

const directory = process.argv[2]
const largeBytes = 1024 * 1024

const server = createServer((request, response) => {
  const file = path.join(directory, path.basename(request.url))
  const answered = request.method === 'PUT' ? write(request, response, file) : read(response, file)
  answered.catch((error) => {
    response.statusCode = 500
    response.end(String(error))
  })
})

async function read(response, file) {
  const { size } = await stat(file)
  response.setHeader('content-length', size)
  if (size >= largeBytes) createReadStream(file).pipe(response)
  else response.end(await readFile(file))
}

async function write(request, response, file) {
  if (Number(request.headers['content-length']) >= largeBytes) {
    pipeline(request, createWriteStream(file), (error) => {
      response.statusCode = error ? 500 : 200
      response.end()
    })
    return
  }
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  await writeFile(file, Buffer.concat(chunks))
  response.end()
}

server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
