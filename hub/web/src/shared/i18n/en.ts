// English, complete: the same keys as zh.ts, held by a test.
import { en as people } from './people'
import type { zh } from './zh'

type Words<T> = { [K in keyof T]: T[K] extends string ? string : Words<T[K]> }

export const en: Words<typeof zh> = {
  ...people,
  time: {
    justNow: 'just now', minutesAgo: '{n} min ago', hoursAgo: '{n} h ago', daysAgo: '{n} d ago', today: 'today', yesterday: 'yesterday',
    seconds: '{n} s', minutes: '{n} min', hours: '{n} h', days: '{n} d', left: '{span} left', early: 'in time, {span} to spare', over: '{span} over', at: 'updated {time}',
  },
  app: {
    centre: 'Grid command centre', field: 'Grid worker', retry: 'Try again', close: 'Close', cancel: 'Cancel', confirm: 'OK', why: 'why', none: 'none', unknown: 'unknown',
    all: 'all', more: 'More', loading: 'Loading…', failed: 'That did not work', unreachable: 'The hub does not answer', unreachableHint: 'Check the network or call the administrator. The page keeps trying.',
    demo: 'demo street', language: '中文', light: 'Light', dark: 'Dark', signOut: 'Sign out', lineDead: 'Live line lost: what you see may be old. Reconnecting…', lineConnecting: 'Opening the live line…', noData: 'No data yet',
  },
  sign: {
    title: 'Sign in', account: 'Account', password: 'Password', in: 'Sign in', busy: 'Signing in…', wrong: 'Wrong account or password', locked: 'Too many attempts: wait, then try again',
    setupTitle: 'First start', setupHint: 'Enter the one-time token that was printed at the start, and name the first administrator. The token is also kept in the data folder, readable by its owner only.',
    token: 'One-time token', newPassword: 'Password (12 characters or more)', claim: 'Create administrator', used: 'The token was used or has expired', wrongToken: 'Wrong token', weak: 'Too weak: at least 12 characters and not a leaked password',
  },
  head: {
    duty: 'on duty', open: 'open', overdue: 'overdue', hazards: 'hazards', health: 'system', search: 'Search', searchHint: 'People, cases, devices, grids…', nothing: 'Nothing found for “{q}”', healthOk: 'all well', healthBad: '{n} not well',
  },
  room: { map: 'Map', pool: 'Pool', patrols: 'Patrols', figures: 'Figures', devices: 'Devices', people: 'People', system: 'System', audit: 'Audit' },
  work: {
    title: 'Work', hazards: 'Hazards', pool: 'Open', mine: 'Mine', emptyHazards: 'No hazard lasts', emptyPool: 'The pool is empty', emptyMine: 'Nothing is assigned to you',
    emptyHint: 'New work appears here, with a sound.', unassigned: 'not dispatched', fresh: '{n} new', freshShow: 'show', newWork: 'New work', acknowledge: 'Acknowledge', soundOff: 'Sound is off: click to turn on', sound: 'Sound',
  },
  look: { new: 'new', hand: 'in hand', wait: 'waiting', over: 'overdue', done: 'done' },
  state: {
    reported: 'reported', screened: 'screened', rejected: 'rejected', verifying: 'verifying', verified: 'verified', filed: 'filed', dispatched: 'dispatched', accepted: 'accepted', returned: 'returned',
    enroute: 'en route', onscene: 'on scene', handling: 'handling', cosign: 'co-signing', extended: 'extended', suspended: 'suspended', resumed: 'resumed', claimed: 'completion claimed', checking: 'checking',
    checked: 'check passed', rework: 'rework', spot: 'handled on the spot', closed: 'closed', archived: 'archived', voided: 'void', merged: 'merged', objected: 'objection under review', upheld: 'objection upheld',
  },
  event: {
    reported: 'Reported', screened: 'Screened', rejected: 'Rejected', verifying: 'Being verified', verified: 'Found true', filed: 'Filed', dispatched: 'Dispatched', accepted: 'Accepted', returned: 'Returned', enroute: 'Set off', onscene: 'On scene', handling: 'Handling began',
    extended: 'Extended', suspended: 'Suspended', resumed: 'Resumed', claimed: 'Completion claimed', checked: 'Check passed', rework: 'Sent to rework', spot: 'Handled on the spot', closed: 'Closed', archived: 'Archived', voided: 'Voided', noted: 'Note', graded: 'Graded', merged: 'Merged into another', unmerged: 'Merge undone', joined: 'Another joined', parted: 'Another parted',
    evidence: 'Evidence added', called: 'Call', sensed: 'Readings', supervised: 'Under supervision', escalated: 'Limit: reminded', objected: 'Objection raised', upheld: 'Objection upheld', dismissed: 'Objection dismissed', cosign: 'Counter-sign asked for', agreed: 'Counter-signed', opposed: 'Counter-sign refused', withdrawn: 'Counter-sign withdrawn',
    ordered: 'Co-handler ordered', taken: 'Order taken', declined: 'Order declined', done: 'Order done', waived: 'Order waived',
  },
  step: {
    screened: 'Screen', rejected: 'Reject', verifying: 'Have verified', verified: 'It is so', filed: 'File', dispatched: 'Dispatch', accepted: 'Accept', returned: 'Return', enroute: 'Set off', onscene: 'On scene', handling: 'Start handling', extended: 'Extend',
    suspended: 'Suspend', resumed: 'Resume', claimed: 'Done', checked: 'Check passed', rework: 'Rework', spot: 'Handled on the spot', closed: 'Close', archived: 'Archive', voided: 'Void', supervised: 'Supervise', noted: 'Note', photo: 'Photo', reopen: 'Reopen',
    objected: 'Object', upheld: 'Uphold objection', dismissed: 'Dismiss objection', cosign: 'Ask for counter-sign', agreed: 'Agree', opposed: 'Oppose', withdrawn: 'Withdraw counter-sign', ordered: 'Send order', taken: 'Take', declined: 'Decline', done: 'Order done', waived: 'Waive',
  },
  order: { ordered: 'not taken yet', taken: 'in hand', declined: 'declined', done: 'done', waived: 'waived' },
  round: { open: 'open', passed: 'passed', vetoed: 'vetoed', failed: 'quorum out of reach', withdrawn: 'withdrawn', lapsed: 'lapsed' },
  parallel: {
    title: 'Working together', lead: 'Lead', co: 'Co-handler {n}', must: 'required', anyone: 'anybody of the department', sent: 'sent {n} times', resend: 'Send again or elsewhere', add: 'Add a co-handler', department: 'Department', optional: 'The check does not wait for it', send: 'Send order', record: 'Record: {step}', waiting: 'The check waits for: {list}',
    cosign: 'Counter-sign', round: 'Round {n}', quorum: 'passes with {need} of {of}', veto: 'may veto', silent: 'no answer yet', held: 'Who holds the time', now: 'has it now', passes: 'Passed on', pass: '{from} gave it back, {to} has it', open: '{from} gave it back, nobody has it yet', dismissed: 'objection of {from} dismissed', lost: '{span} lost', back: 'to and fro', yours: 'Your order', sign: 'Your signature is asked for', desk: 'Centre',
  },
  source: { sensor: 'sensor', patrol: 'patrol', sos: 'SOS', hotline: '12345', resident: 'resident', partner: 'partner', desk: 'desk' },
  severity: { info: 'info', minor: 'minor', major: 'major', critical: 'critical' },
  clock: { 'co-accept': 'co-handler takes', 'co-handle': 'co-handler', cordon: 'cordon', stop: 'stop it', penalty: 'penalty', remove: 'removal', post: 'on post', report: 'report', visit: 'visit', arrive: 'arrive', handle: 'handle', check: 'check', screen: 'screen', intake: 'intake', triage: 'triage', file: 'file', dispatch: 'dispatch', accept: 'accept', close: 'close', verify: 'verify', reply: 'reply' },
  level: { holder: 'the holder', lead: 'team lead', head: 'head of department', leader: 'leader of the street' },
  limit: { emergency: 'round the clock', 'working-hours': 'working hours', 'working-days': 'working days', 'calendar-hours': 'calendar hours', 'calendar-days': 'calendar days', plan: 'by plan' },
  case: {
    next: 'Next step', clocks: 'Limits', noClocks: 'No limit is running', nearest: 'Nearest three', again: 'Send another', dispatch: 'Dispatch', dispatchTo: 'Send {who}', dispatching: 'Dispatching…', excluded: '{n} not chosen', noCandidates: 'Nobody near can be sent',
    noCandidatesHint: 'Perhaps nobody is on duty or has a position. Open “why” to see each reason.', handler: 'Handler', noHandler: 'Not dispatched yet', department: 'Lead', with: 'Co-handling', evidence: 'Evidence', noEvidence: 'No photo yet',
    risk: 'Of {such} such cases that were not done by then either, {share} % overran the limit ({limit}); {left} left.',
    missing: 'Still missing: {list}', timeline: 'Timeline', cleared: 'Readings are back to normal', anew: 'Back to normal, then raised again: another case', reworks: '{n} × rework', supervised: 'supervised', escalated: '{share}% of the limit “{limit}”: {who} reminded', reminded: 'Reminded', call: 'Call', video: 'Video', whyTitle: '{step}: give the reason', reason: 'Reason', until: 'Until', eta: 'about {n} min',
    load: '{n} in hand', noLoad: 'nothing in hand', fixAge: 'fix {age}', open: 'Open case', device: 'Raised by', hazard: 'Hazard', reported: 'reported', near: 'arrived {n} m from the scene', offline: 'done offline, arrived {time}',
    hash: 'proof', conflict: 'Somebody else changed the case. It was refreshed: please look again.', note: 'Note', noteHint: 'Write a note…', overview: '{n} more', photo: 'photo', by: 'by {who}', cost: 'cost {n}',
  },
  reason: { 'absent-leave': 'on leave', 'absent-sick': 'ill', 'absent-training': 'in training', 'absent-errand': 'on an errand', 'absent-other': 'absent', best: 'best', 'by-road': 'by road', 'has-tasks': 'has tasks', 'old-fix': 'older fix', 'lead-department': 'lead department', 'co-department': 'supporting department', 'first-responder': 'first responder', nearest: 'nearest', 'own-grid': 'own grid', skilled: 'skilled', free: 'free', near: 'near', 'fair-load': 'light load', fresh: 'fresh fix', department: 'lead department', 'straight-line': 'straight line', road: 'by road' },
  why: { cleared: 'readings are normal again', automatic: 'done by the rule of the matter', system: 'system' },
  excluded: { 'no-way': 'no way there', farther: 'others fit better', 'off-duty': 'off duty', 'no-position': 'no position', 'stale-position': 'stale position', busy: 'busy', absent: 'absent', 'wrong-department': 'other department', 'too-far': 'too far', 'in-need': 'called for help' },
  proof: { 'photo-before': 'photo before', 'photo-after': 'photo after', signature: 'signature', document: 'document', video: 'video', checklist: 'checklist', callback: 'call-back', tag: 'tag', reading: 'reading', patrol: 'patrol photo', audio: 'recording', snapshot: 'camera snapshot', 'reused-photo': 'photo used before', recorded: 'recorded by the centre' },
  person: {
    onDuty: 'on duty', offDuty: 'off duty', presence: 'Terminal', online: 'online', offline: 'offline', unknown: 'unknown', lastFix: 'Position', noFix: 'no position', accuracy: '±{n} m', still: 'here for {span}', moving: 'moving',
    track: 'Track today', walked: '{n} km walked', stays: 'Stays', noStays: 'No stays', gaps: '{n} gaps without signal (unknown, not stays)', noTrack: 'No track today', working: 'Working on', battery: 'Battery', grids: 'Grids', skills: 'Skills', call: 'Call',
    stale: 'position is {age} old', forbidden: 'You may not look at tracks', replay: 'Replay',
  },
  force: { patrol: 'patrol', grid: 'grid worker', community: 'community', cadre: 'street cadre' },
  device: {
    values: 'Readings', never: 'never heard', every: 'every {span}', health: 'State', fresh: 'fine', stale: 'stale', fault: 'fault', service: 'in maintenance', removed: 'removed', unknown: 'unknown', chart: '24 hours', noSeries: 'No data in this time', ledger: 'Ledger', ledgerHint: 'polled (as the gateway says) = stored + repeated + superseded + quarantined + expired + pending + unexplained',
    hour: 'hour', verdict: 'result', polled: 'polled', stored: 'stored', repeated: 'repeated', superseded: 'superseded', quarantined: 'quarantined', expired: 'expired', pending: 'pending', balanced: 'balanced', unexplained: '{n} unexplained', untold: 'gateway silent', range: 'normal {min}–{max}', gateway: 'Gateway', profile: 'Profile', place: 'Place', quality: 'Quality',
    yes: '{what}', no: 'no {what}', good: 'good', uncertain: 'uncertain', bad: 'bad', name: 'Name', kind: 'Kind', heard: 'Last reading', noLedger: 'Nothing recorded today', filter: 'Filter by name or kind',
  },
  fault: {
    title: 'What is broken', none: 'Nothing is broken', sensor: 'Sensor', line: 'Line', gateway: 'Gateway', uplink: 'Uplink', power: 'Power', why: 'Why', next: 'What to do', affects: 'devices without readings: {n}', since: 'since', was: 'taken for: {cause}', lineOf: 'line {line} of {gateway}', lasted: 'lasted {span}', past: 'Recently over', failed: 'The list cannot be read: {why}',
    clocks: 'Clocks that are off', ahead: '{span} ahead', behind: '{span} behind', corrected: 'readings are moved to the right time', ignored: 'ignored, the gateway’s time is used', flagged: 'kept as told, may be the age of the values', kept: 'right', heard: 'estimated',
  },
  life: {
    thing: 'The thing', unit: 'Serial no.', untold: 'not told', seal: 'Seal', photo: 'Photo', openPhoto: 'Open photo', holder: 'With', nobody: 'nobody', person: 'Person', noPerson: '(no person)', vehicle: 'Vehicle', plate: 'plate, such as 川A12345', give: 'Hand over', takeBack: 'Take back', change: 'Change', giveTitle: 'Who has {what}', giveHint: 'From now on: where it was before stays with whoever had it then. Off duty, nobody’s place is kept.', fix: 'Position',
    removedAt: 'Not in its gateway’s list since {at}', removedHint: 'Removed: its history stays, it raises nothing any more.', newUnit: 'replaced by {unit}', restarts: 'At the upright line the thing was replaced: its counter begins anew, nothing was used backwards.',
    maintained: 'In maintenance', maintainedHint: 'Readings are kept, no hazard is raised; it ends by itself.', setAtGateway: 'Set in the device file of gateway {gateway}, and ended only there', until: 'Ends by itself at {at}, {left} left', till: 'until {at}', begin: 'Begin maintenance', prolong: 'Change', end: 'End now', beginTitle: 'Maintenance of {what}', length: 'For', why: 'Reason', whyHint: 'calibration, new battery, building work',
    logbook: 'Logbook', noLogbook: 'Nothing written yet', spared: 'Not raised: {what}',
  },
  happened: { added: 'First listed', removed: 'Removed', returned: 'Listed again', replaced: 'Replaced', identified: 'Serial number told', profile: 'Profile changed', moved: 'Moved', gateway: 'Other gateway', maintenance: 'Maintenance begun', 'maintenance-end': 'Maintenance ended', bound: 'Handed over', unbound: 'Taken back' },
  spared: { late: 'late data', maintenance: 'in maintenance' },
  command: {
    title: 'Controls', unsigned: 'unsigned', unsignedHint: 'This device’s protocol cannot carry a signature; the device’s own answer or state decides', on: 'On', off: 'Off', set: 'Set', send: 'Send', by: 'sent by {who}',
    confirmTitle: 'Send this command?', confirmHint: 'Something will move in the street. If it has not begun within 60 seconds, it is void.', question: 'Set “{control}” of “{device}” to {value}?',
  },
  commandState: { created: 'noted', sent: 'sent', acknowledged: 'gateway has it', executed: 'executed', failed: 'failed', expired: 'expired', refused: 'refused' },
  commandCause: {
    'not-delivered': 'it could not be delivered in time', 'no-answer': 'sent, but nothing answered: the outcome is unknown', signature: 'the signature does not fit', key: 'the gateway has not been given this key', receiver: 'meant for another gateway', control: 'the device has no such control',
    value: 'the value is not accepted', device: 'the device says that it failed', timeout: 'the device did not answer', busy: 'the gateway has too much to do', disk: 'the gateway could not write it down, so it was not begun', forgotten: 'the gateway’s memory is damaged: it may have been done', 'unknown-outcome': 'cut short, the outcome is unknown: somebody must look', interrupted: 'cut short, the device shows that it was not done', 'line-down': 'the line is down', unproven: 'written, but the device’s own reading does not prove it', unfit: 'the device does not take this value', mismatch: 'the device reads back another value', damaged: 'its answer was damaged', internal: 'the gateway failed', expired: 'it was over when the gateway got it',
  },
  commandWaiting: { offline: 'the gateway is offline; it is sent when it returns', 'not-subscribed': 'the gateway is online and takes no commands yet', 'queue-full': 'too much waits for the gateway; it is sent again', unsent: 'it could not be sent; it is tried again' },
  kind: {
    gas: 'gas', methane: 'gas', noise: 'noise', level: 'level', water: 'water', flood: 'flooding', temperature: 'temperature', temp: 'temperature', smoke: 'smoke', weather: 'weather', air: 'air', dust: 'dust', fume: 'fume', power: 'power', electricity: 'power', energy: 'energy',
    meter: 'meter', pressure: 'pressure', hydrant: 'hydrant', button: 'button', tilt: 'tilt', cabinet: 'cabinet', climate: 'climate', charging: 'charging', manhole: 'manhole', 'water-level': 'water level', leakage: 'residual current', position: 'position', relay: 'relay', door: 'door',
  },
  metric: {
    relay_1: 'relay 1', relay_2: 'relay 2', relay_3: 'relay 3', relay_4: 'relay 4', relay_5: 'relay 5', relay_6: 'relay 6', relay_7: 'relay 7', relay_8: 'relay 8', siren: 'siren', opening: 'opening', text: 'text', POWER: 'switch', Dimmer: 'brightness',
    temperature: 'temperature', temp: 'temperature', humidity: 'humidity', ch4: 'methane', methane: 'methane', gas: 'combustible gas', lel: 'combustible gas', noise: 'noise', laeq: 'LAeq', level: 'level', depth: 'depth', pressure: 'pressure', pm25: 'PM2.5', pm10: 'PM10', fume: 'fume', voltage: 'voltage', current: 'current', residual: 'residual current',
    leakage: 'residual current', power: 'power', energy: 'energy', battery: 'battery', wind: 'wind', rain: 'rain', co: 'CO', smoke: 'smoke', flow: 'flow', so2: 'SO₂', no2: 'NO₂', o3: 'ozone', co2: 'CO₂', tilt: 'tilt', flooded: 'flooded', ratio: 'ratio', fault: 'fault', temperature_fault: 'temperature unreliable', humidity_fault: 'humidity unreliable', fix: 'fix', satellites: 'satellites', hdop: 'dilution', sos: 'SOS alarm', 'power-low': 'low power', 'power-cut': 'power cut', signal: 'signal',
  },
  camera: { title: 'Camera', near: 'Cameras nearby', live: 'live', coming: 'Connecting…', noLine: 'The picture broke off, connecting again…', forbidden: 'Your role may not watch cameras', snapshot: 'Keep a snapshot', kept: 'The snapshot is evidence of this case', fault: 'Fault', recorded: 'Watching is on record. {n} watching now.' },
  cameraPhase: { idle: 'idle', connecting: 'connecting', live: 'live', failed: 'fault' },
  cameraFault: { h265: 'It sends H.265: set it to H.264', 'b-frames': 'It sends B-frames: switch them (smart codec) off', 'no-video': 'No H.264 video at this address', auth: 'User or password is wrong', 'not-found': 'No stream at this path', busy: 'It serves no more connections', unreachable: 'It cannot be reached', silent: 'It stopped sending', refused: 'It refuses', broken: 'The picture broke off' },
  map: { layers: 'Layers', people: 'People', devices: 'Devices', cameras: 'Cameras', cases: 'Cases', grids: 'Grids', routes: 'Patrol routes', trails: 'Trails', fit: 'Whole street', follow: 'Follow', unsupported: 'This computer cannot draw the map (no WebGL). The lists work as always.', label: 'Map of the street' },
  pool: { chosen: '{n} chosen', chooseAll: 'Choose all', dispatchBest: 'Send the best to each', merge: 'Merge into the first', clearChoice: 'Clear', failed: '{n} failed and stay chosen', view: 'View', saveView: 'Save view', dropView: 'Drop this view', viewName: 'Name', order: 'Order', by: { urgency: 'Most urgent first', risk: 'Likeliest late first', reported: 'Newest first' }, columns: 'Columns', risk: 'Late?', riskHint: 'How many such cases were late in the end', riskWhy: '{late} of {such} such cases overran the limit: {limit}', noRisk: 'Too few such cases, or no limit runs', keys: 'J / K up and down, X chooses, D dispatches', title: 'Task pool', look: 'Progress', filter: 'Number, title, matter, grid…', state: 'State', matter: 'Matter', grid: 'Grid', who: 'Handler', due: 'Limit', source: 'Source', reported: 'Reported', number: 'Number', empty: 'No case matches', clear: 'Clear filters', count: '{n} cases', onlyOpen: 'open only', from: 'behind “{name}”' },
  patrol: {
    title: 'Patrols today', routes: '{n} routes', done: '{done}/{total} points', ahead: 'ahead', running: 'running', finished: 'done', missed: 'missed points', window: 'Window', grid: 'Grid', low: '{n} check-ins to look at', grade: 'presence {n}', empty: 'No routes today', unvisited: 'not visited', visited: '{time} {who}', summary: '{done}/{total} points visited', counts: 'counts', notCounts: 'does not count',
    why: { 'no-photo': 'no photo', 'out-of-radius': 'out of radius', 'out-of-window': 'out of window', inside: 'inside', photo: 'photo', window: 'in window', 'inaccurate': 'inaccurate fix', continuity: 'continuous', 'clock-offset': 'clock offset', mock: 'mock location' },
  },
  figures: {
    title: 'Figures', today: 'Today', week: '7 days', month: '30 days', reported: 'Reported', filed: 'Filed', handled: 'Handled', closed: 'Closed', onTime: 'Closed on time', open: 'Open', overdue: 'Overdue', response: 'Response', responseHint: 'filed → on scene', closing: 'Time to close', closingHint: 'reported → closed', handling: 'Handling', handlingHint: 'dispatched → claimed',
    mean: 'mean', median: 'median', p90: '90 %', basis: '{n} cases', none: 'No case to compute from yet', door: 'Show these {n}', formula: 'Definitions {v}', opened: 'Cases behind “{name}”', target: 'reference: 20 minutes', loops: 'The loop', speed: 'Speed', hands: 'Who held the time', heldSum: 'held altogether', held: 'cases held', passed: 'passed on', to_and_fro: 'to and fro', lost: 'lost altogether',
    quarter: '91 days', year: 'One year', rates: 'Rates (95 % intervals)', lines: 'Cut up', by: 'Cut by', rate: 'Rate', interval: '{low}–{high} %, {of} of {among}', noBasis: 'nothing to count from', intervals: 'In the order of the cases: where intervals overlap, nobody is ahead; the thin line is the whole', report: 'Report', period: 'Period', definitions: 'Definitions', made: 'Made', reports: 'Regular reports', noReports: 'No report yet: each is made when it is due',
    cut: { department: 'Department', matter: 'Matter', grid: 'Grid', person: 'Person', source: 'Source', day: 'Day', week: 'Week', month: 'Month', daykind: 'Kind of day' }, kind: { workday: 'working day', weekend: 'weekend', holiday: 'holiday' }, count: { reported: 'Reported', filed: 'Filed', due: 'Due', closed: 'Closed', rework: 'Rework', suspended: 'Suspended' },
  },
  system: {
    title: 'System', parts: 'Parts', ok: 'fine', degraded: 'degraded', down: 'down', lag: '{n} behind', quarantine: 'Quarantine', quarantineHint: 'What cannot be used is never lost: it is kept as it came, with the reason, and can be replayed after a fix.', empty: 'The quarantine is empty', cause: 'Cause', device: 'Device', count: 'Count', first: 'First', last: 'Last', replay: 'Replay', replayed: '{n} replayed', entries: 'Entries', payload: 'Payload', forbidden: 'Only administrators and installers see the quarantine', at: 'At', done: 'replayed',
  },
  failure: {
    title: 'The newest reading failed', 'line-down': 'line down', timeout: 'no answer', damaged: 'answer damaged', exception: 'refuses ({code})', unfit: 'unusable value',
    'line-downWhy': 'The port or connection does not open: look at the way from the gateway to the device, the converter and its power.', timeoutWhy: 'The line works, but the device does not answer: look at its power, address and wiring.', damagedWhy: 'The device answers, but what comes is damaged: look at earth, shield, terminations and addresses used twice.', exceptionWhy: 'The device answers, but refuses to be read: does the profile fit its firmware?', unfitWhy: 'What the device answers is no reading: look at the registers, word order and ratio of its profile.', otherWhy: 'The gateway says: {code}',
  },
  gateway: {
    title: 'Gateways', needs: '{n} need somebody', fine: 'all well', none: 'No gateway yet', failed: 'The gateways cannot be read: {why}', id: 'Gateway', state: 'Connection', online: 'connected', offline: 'not connected', never: 'never connected', wants: 'Needs', software: 'Runs', runs: 'Runs configuration {hash}', since: 'since {at}', up: 'Up', upProgram: 'Program up for {span}', upMachine: 'Machine up for {span}', backlog: 'Backlog', readings: '{n} readings to be delivered', clock: 'Clock', clockRight: 'right', ahead: '{span} fast', behind: '{span} slow', owner: 'Device files', ownedBygateway: 'at the gateway', ownedByhub: 'sent by the hub', devices: 'Devices', retired: '{n} more were removed, with readings to deliver', silent: '{n} without readings', faults: 'Faults',
    needOffline: 'look at network and power', needRemark: 'correct its device files', needFault: '{cause} fault', needClock: 'set its clock', needBacklog: 'large backlog: look at the network', needUnknown: 'waits for its first connection',
  },
  audit: {
    title: 'Audit log', hint: 'Who did what, and who looked at whom. Entries are only added, never changed; each holds the digest of the one before, and the newest is signed every 10 seconds.', who: 'Who', act: 'Act', subject: 'Subject', at: 'Time', from: 'From', detail: 'Detail', n: 'No.', any: 'All acts', looks: 'Looks', all: 'any time', day: 'last 24 hours', week: 'last 7 days', month: 'last 30 days', since: 'Time span', export: 'Export', exportHint: 'Signed: hub verify examines it offline', check: 'Check the chain', checking: 'Checking…', sound: 'Whole: entries {first} to {last} are what was written, signed {at}', unsigned: 'Whole: entries {first} to {last} are what was written, not signed yet', broken: 'Not whole: {what}', changed: 'entry {n} is not the one that was written', missing: 'entries are missing from {n} on', moved: "entry {n} stands in another's place", brokenAt: 'entry {n} does not follow the one before', head: 'the signature is not valid', cut: 'Entry {n} tells that an earlier part was cut off', more: 'Earlier ones', none: 'Nothing on record fits', failed: 'The audit log cannot be read: {why}', refused: 'not done ({code})', anyone: 'not signed in', system: 'the hub', console: 'command line', filterWho: 'Account or person', filterSubject: 'Person, device or case',
  },
  auditFlag: { true: 'yes', false: 'no' },
  auditKey: { scopes: 'scopes', disabled: 'disabled', provider: 'provider', deputy: 'deputy', dry: 'dry run', bytes: 'bytes', from: 'from', to: 'to', until: 'until', kind: 'kind', roles: 'roles', person: 'person', vehicle: 'vehicle', control: 'control', value: 'value', command: 'order', what: 'what', cause: 'cause', detail: 'detail', serial: 'certificate', on: 'on duty', evidence: 'originals', peer: 'from', hash: 'digest', error: 'error', left_out: 'left out' },
  act: {
    session: { begin: 'Signed in', refuse: 'Sign-in refused', end: 'Signed out' }, access: { refuse: 'Access refused' }, setup: { claim: 'Claimed the hub', refuse: 'Claim refused' },
    account: { put: 'Added or changed an account', change: 'Changed an account', password: 'Changed the own password', 'password-reset': 'Reset a password', 'second-factor': 'Set up the second factor', 'second-factor-remove': 'Removed the own second factor', 'second-factor-reset': 'Cleared a second factor', 'sessions-end': 'Ended all sessions' }, absence: { set: 'Entered an absence', end: 'Ended an absence' }, people: { import: 'Imported staff' }, terminal: { bind: 'Bound a handheld' }, duty: { set: 'Went on or off duty' }, track: { look: "Looked at a person's track" }, camera: { watch: 'Watched a camera' }, reporter: { look: 'Looked at a reporter' }, evidence: { look: 'Looked at an original' },
    device: { maintain: 'Set maintenance', give: 'Gave a device to somebody', command: 'Commanded a device', replace: 'Replaced a device', declare: 'Declared a control', withdraw: 'Removed a control', refuse: 'Refused a device' },
    identity: { add: 'Registered an identity', invite: 'Made an enrolment code', enrol: 'Enrolled', renew: 'Renewed a certificate', revoke: 'Revoked an identity', secret: 'Changed a secret', refuse: 'Enrolment refused' },
    recording: { begin: 'Began a recording', play: 'Played a recording' }, seal: { read: 'Downloaded a sealed case', 'read-redacted': 'Downloaded a redacted case' }, hotline: { import: 'Imported hotline orders' }, quarantine: { replay: 'Replayed quarantine' }, history: { export: 'Exported history' }, backup: { make: 'Backed up' },
    'command-key': { prepare: 'Prepared a command key', rotate: 'Changed the command key', forget: 'Dropped a command key' },
    audit: { begin: 'Signing began', cut: 'Log had been cut', look: 'Looked at the audit log', export: 'Exported the audit log' },
  },
  identity: {
    title: 'Gateways and devices that may connect', hint: 'A new gateway trades a one-time code for its certificate: make a code, then say on the gateway what is shown here.', id: 'Identity', kind: 'Kind', gateway: 'Gateway', sensor: 'Sensor', partner: 'Partner', state: 'State', online: 'connected', offline: 'not connected', revoked: 'revoked', certificate: 'Certificate until', secret: 'secret, no certificate', left: '{n} days left', over: 'ended', newId: 'gw-cabinet-3', invite: 'Make a code', again: 'New code', code: 'Code for {id}, until {time}: shown once', say: 'On the gateway', copy: 'Copy', copied: 'Copied', revoke: 'Revoke', revokeTitle: 'Revoke {id}?', revokeHint: 'Its connection is cut at once. It comes back only with a new code.', none: 'No gateway yet', forbidden: 'Only administrators, installers and auditors see who may connect',
  },
  part: {
    journal: 'Journal', broker: 'Devices’ door', history: 'History', 'consumer history': 'Writing history', 'consumer rules': 'Rules', 'consumer live': 'Live view', 'consumer quarantine': 'Quarantine', 'consumer ledger': 'Ledger', 'consumer commands': 'Following commands', calendar: 'Working calendar', archive: 'Sealed cases', backup: 'Backup', reports: 'Regular reports', devices: 'Sensors and gateways', 'consumer health': 'Faults of devices',
  },
  overview: { title: 'Today', hint: 'Select a case, a person or a device on the map or in a list.', now: 'Most urgent now', calm: 'Nothing that must be done at once', forces: 'Forces on duty', keys: 'Keys', keySearch: 'search', keyMove: 'previous / next', keyOpen: 'open', keyDispatch: 'send the nearest', keyCall: 'call the handler', keyClose: 'close' },
  call: {
    audio: 'Audio call', video: 'Video call', ringing: 'Calling {who}…', incoming: '{who} is calling', live: 'In call', accept: 'Accept', decline: 'Decline', hangup: 'Hang up', mute: 'Mute', unmute: 'Unmute', camera: 'Camera', noCamera: 'Camera off', busy: 'busy', 'timed-out': 'no answer', missed: 'missed', cancelled: 'cancelled', joined: 'joined', left: 'left', declined: 'declined', unreachable: 'terminal not connected', ended: 'Call ended', resuming: 'Signal lost, resuming…', lost: 'call lost',
    none: 'No calls', emptyHint: 'A call from the centre covers the whole screen, with sound and vibration.', told: { always: 'This call is recorded and kept as evidence on the case.', 'on-demand': 'This call may be recorded.' }, centre: 'Command centre', staff: 'Staff {id}', history: 'Recent calls', failed: 'The call failed: {why}', unavailable: 'calls are not connected', micDenied: 'The microphone was refused: allow it in the browser settings', elsewhere: 'answered on another device', you: 'me', toCentre: 'Call the centre', back: 'Call back',
  },
  play: {
    title: 'Recorded calls', play: 'Play', pause: 'Pause', failed: 'This part cannot be played', nothing: 'Nothing recorded here', sound: 'Sound only', time: 'Time', noPlace: 'no position', audited: 'Each playing is recorded in the audit.', chain: '{n} entries, announced {announced}, head',
  },
  missing: { lost: 'lost on the way', away: 'nothing was sent', restart: 'recording interrupted', behind: 'disk too slow' },
  recording: { recording: 'being recorded', complete: 'complete', erased: 'removed when its time was over' },
  called: {
    recorded: 'recording complete', created: 'called', ringing: 'rings', unreachable: 'terminal offline', accepted: 'answered', declined: 'declined', busy: 'busy', 'timed-out': 'no answer', elsewhere: 'answered elsewhere', left: 'hung up', resuming: 'signal lost', resumed: 'resumed', lost: 'cut off', ended: 'call ended',
  },
  talk: {
    title: 'Push to talk', group: 'Talk group', none: 'No talk group', choose: 'Choose a group, then hold to talk', joining: 'Joining…', connecting: 'Connecting sound…', hold: 'Hold to talk', space: 'Space', asked: 'Wait…', waiting: 'In the queue', speaking: 'Speak now', again: 'Let go, press again',
    you: 'You speak {time}', speaks: '{who} speaks', waits: 'Others first: place {n}', free: 'Channel free', present: '{n} here of {of}', replay: 'Playing {who}, {time} ago', skip: 'Skip {n}', revoke: 'Take the floor', heard: '{time}: heard by {who}', unheard: '{time}: heard by nobody yet', elsewhere: '{n} groups have something unheard',
    kind: { case: 'Cases', dept: 'Departments', grid: 'Grids' },
    why: { preempted: 'Taken over by a higher priority: let go and press again', 'timed-out': 'Time is up: let go and press again', revoked: 'The centre took the floor', gone: 'Connection lost', full: 'Too many wait: try again later', busy: 'Try again', stale: 'Press again', 'let-go': 'Over', 'not-present': 'Joining again: press once more', forbidden: 'You are no longer in this group' },
  },
  sos: { stands: 'calls for help', own: 'The centre has your call; {n} nearby were called. The centre ends it.', help: '{who} needs help, {far} away: go now', pulled: 'Called: {who}', nobody: 'Nobody on duty nearby to call', join: 'Join talk', end: 'End the call for help', endHint: 'Only the centre can; the reason goes on the case.' },
  path: {
    title: 'Call test', hint: 'Once before the shift; takes half a minute.', start: 'Start the test', running: 'Testing…', microphone: 'Microphone', micHint: 'You will be asked to allow it', micSpeak: 'Say something: the bar should move', micHeard: 'Heard you: works', micFix: 'None, or refused: allow the microphone in the browser’s site settings', level: 'Level', camera: 'Camera', camHint: 'You should see a picture', camFix: 'None, or refused: allow the camera in the site settings', speaker: 'Speaker', tone: 'Play a tone', toneHint: 'You should hear three tones', toneYes: 'Heard', toneNo: 'Nothing', toneFix: 'Turn the volume up, look at the mute switch and headphones', link: 'Link to the centre', linkGood: 'Signalling is connected', linkFix: 'Signalling is not connected: look at the network, or sign in again', took: '{n} ms',
    way: { udp: 'Direct UDP', tcp: 'Direct TCP', 'turn-udp': 'Relay UDP', 'turn-tcp': 'Relay TCP', 'turn-tls': 'Relay TLS' },
    about: { udp: 'The best way, the least delay', tcp: 'For networks that block UDP', 'turn-udp': 'Forwarded by the centre', 'turn-tcp': 'Forwarded, for stricter firewalls', 'turn-tls': 'Encrypted as web pages are: works almost everywhere' },
    why: { 'no-relay': 'The centre has no such relay', 'no-answer': 'The centre did not answer', 'no-way': 'Blocked by the network or a firewall', 'not-offered': 'The centre does not offer this way' },
    best: 'All is well: calls take the best way.', detour: 'Calls work, but only by “{way}”: sound may be late.', none: 'No calls: every way is blocked. Try another network and tell the administrator.', ask: 'Ask the administrator to open the media port (8189 UDP by default) in the firewall, or to turn on the relay.',
  },
  field: {
    tasks: 'Tasks', patrol: 'Patrol', call: 'Calls', me: 'Me', noTasks: 'No task now', noTasksHint: 'Stay on duty: new tasks ring and vibrate.', offDutyHint: 'You are off duty and get no tasks.', goOnDuty: 'Go on duty', others: 'Other tasks', far: '{n} m', farKm: '{n} km', by: 'by {time}', noPlace: 'no own position', details: 'Details', back: 'Back', where: 'Scene',
    arrow: '{dir}', dir: { n: 'north', ne: 'north-east', e: 'east', se: 'south-east', s: 'south', sw: 'south-west', w: 'west', nw: 'north-west' }, photoFirst: 'First: {list}', retake: 'Again', use: 'Use photo', shoot: 'Take photo', cameraDenied: 'The camera cannot be opened: use the phone’s own', pickFile: 'Phone camera', photos: '{n} photos', waitsBefore: 'Photos and steps are sent in order when there is a network',
    reasonReturn: 'Why return it', film: 'Film a video', returnTask: 'Return this task', reason: 'Reason', waitingOthers: 'Done, waits for others', waiting: 'Done, waits for the check', stepQueued: 'Noted, waits for a network', refusedTitle: 'The centre did not accept', dismiss: 'OK', done: 'Done', newTask: 'New task', offline: 'No network', queued: '{n} wait to be sent', sending: 'Sending {n}', photoWaits: '{n} photos wait',
    dutyOn: 'On duty', dutyOff: 'Off duty', dutyOnHint: 'position is reported', dutyOffHint: 'no position, no tasks', position: 'Position', positionOk: 'accuracy ±{n} m', positionNone: 'no fix yet', positionDenied: 'Refused: allow location in the browser settings', link: 'Link to the centre', linkUp: 'connected', linkDown: 'not connected', storage: 'Offline store', storageKept: 'protected', storagePlain: 'may be cleared by the system', wake: 'Screen stays on', wakeOn: 'on', wakeOff: 'off', wakeUnsupported: 'not supported', limits: 'A web page cannot ring or locate while the screen is locked. On duty, keep the screen on and stay on this page.', contrast: 'High contrast', queue: 'Waits to be sent', queueEmpty: 'Nothing waits', terminal: 'This terminal', version: 'Version',
    sos: 'SOS', sosHold: 'Hold 2 seconds for help', sosHolding: 'Keep holding…', sosSent: 'Help was called', sosQueued: 'Noted: goes out with the first network', sosTitle: 'SOS from a worker', routes: 'My routes', nextStop: 'Next point', checkIn: 'Check in with photo', tooFar: '{far} to go: check in when you are there', stops: '{done}/{total}', noRoutes: 'No route of mine today', routeDone: 'This route is walked', checkedIn: 'Checked in', checkInQueued: 'Checked in, waits to be sent', pendingVisit: 'waits', setOff: 'Set off', watermarkTask: 'Task', watermarkPoint: 'Point',
    dropped: 'Offline for long: the oldest {n} positions were dropped', notStaff: 'This account is no member of staff: no terminal can be bound', lookAt: 'Look at', signalLost: 'No position: step into the open',
  },
}
