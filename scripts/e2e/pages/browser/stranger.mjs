// A phone that nobody has told of the street's own authority.
import { field, must, play, task } from './stage.mjs'

await play(async () => {
  const refused = await field({ latitude: 30.2753, longitude: 120.16, accuracy: 8 }).then(() => 'opened', String)
  must(refused.includes('ERR_CERT_AUTHORITY_INVALID'), `${task.secure} without trust: ${refused.split('\n')[0]}`)
})
