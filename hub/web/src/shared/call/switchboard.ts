/**
 * All calls of one page. How a page uses it:
 *
 *   const board = new Switchboard({
 *     send: (message) => socket.send(JSON.stringify(message)),   // or MQTT up/call
 *     onIncoming: (session) => showRinging(session),             // session.accept() / .decline('driving')
 *     onState: (state, session) => render(state),
 *     onRemotes: (remotes, session) => attach(remotes),          // one stream per person
 *     onLocal: (stream, session) => preview(stream),             // null: camera and microphone are off
 *     onError: (error, session) => tell(error),
 *   })
 *   socket.onmessage = (e) => board.receive(JSON.parse(e.data))
 *   socket.onopen = () => board.connected()                      // every time, also the first
 *   const session = board.call({ callees: ['wang'], media: 'video', task: 'case-7' })
 *
 * The transport (reconnecting, signing in) belongs to the page. Messages sent
 * while it is down may be thrown away: the board repeats what matters.
 */
import type { Invite, Reply, Request } from './protocol'
import { VERSION } from './protocol'
import { CallSession, type SessionHooks, type SessionOptions } from './session'

export interface SwitchboardOptions extends SessionHooks {
  send(message: Request): void
  onIncoming(session: CallSession): void
  /** The session is over and forgotten by the board. */
  onOver?(session: CallSession): void
  open?: SessionOptions['open'] | undefined
}

export class Switchboard {
  private sessions = new Map<string, CallSession>()

  constructor(private options: SwitchboardOptions) {}

  /** Starts a call; its progress comes by onState. */
  call(invite: Invite): CallSession {
    const session = this.session(crypto.randomUUID())
    void session.invite(invite)
    return session
  }

  /** The transport is open, for the first time or again. */
  connected(): void {
    this.options.send({ v: VERSION, type: 'hello' })
    for (const session of this.sessions.values()) session.reconnected()
  }

  receive(reply: Reply): void {
    let session = this.sessions.get(reply.call)
    // Both called each other: the hub has accepted the older call for us.
    if (reply.type === 'merged') return session?.dismiss()
    if (!session && reply.type === 'state' && this.begins(reply)) {
      session = this.session(reply.call)
      session.receive(reply)
      if (reply.state.self !== 'joined') this.options.onIncoming(session)
      return
    }
    session?.receive(reply)
  }

  get calls(): CallSession[] { return [...this.sessions.values()] }

  /** A call this page does not know: it rings here, or was ours before a reload. */
  private begins(reply: Extract<Reply, { type: 'state' }>): boolean {
    return reply.state.phase !== 'ended' && ['invited', 'ringing', 'joined', 'resuming'].includes(reply.state.self)
  }


  private session(id: string): CallSession {
    const session = new CallSession(id, {
      ...this.options,
      onOver: (s) => {
        this.sessions.delete(s.id)
        this.options.onOver?.(s)
      },
    })
    this.sessions.set(id, session)
    return session
  }
}
