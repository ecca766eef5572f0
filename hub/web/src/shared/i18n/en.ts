// English, complete: the same keys as zh.ts, held by a test.
import type { zh } from './zh'

type Words<T> = { [K in keyof T]: T[K] extends string ? string : Words<T[K]> }

export const en: Words<typeof zh> = {
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
  room: { map: 'Map', pool: 'Pool', patrols: 'Patrols', figures: 'Figures', devices: 'Devices', system: 'System' },
  work: {
    title: 'Work', hazards: 'Hazards', pool: 'Open', mine: 'Mine', emptyHazards: 'No hazard lasts', emptyPool: 'The pool is empty', emptyMine: 'Nothing is assigned to you',
    emptyHint: 'New work appears here, with a sound.', unassigned: 'not dispatched', fresh: '{n} new', freshShow: 'show', newWork: 'New work', acknowledge: 'Acknowledge', soundOff: 'Sound is off: click to turn on', sound: 'Sound',
  },
  look: { new: 'new', hand: 'in hand', wait: 'waiting', over: 'overdue', done: 'done' },
  state: {
    reported: 'reported', screened: 'screened', rejected: 'rejected', verifying: 'verifying', filed: 'filed', dispatched: 'dispatched', accepted: 'accepted', returned: 'returned',
    enroute: 'en route', onscene: 'on scene', handling: 'handling', cosign: 'co-signing', extended: 'extended', suspended: 'suspended', resumed: 'resumed', claimed: 'completion claimed', checking: 'checking',
    checked: 'check passed', rework: 'rework', closed: 'closed', archived: 'archived', voided: 'void', merged: 'merged',
  },
  event: {
    reported: 'Reported', screened: 'Screened', rejected: 'Rejected', filed: 'Filed', dispatched: 'Dispatched', accepted: 'Accepted', returned: 'Returned', enroute: 'Set off', onscene: 'On scene', handling: 'Handling began',
    extended: 'Extended', suspended: 'Suspended', resumed: 'Resumed', claimed: 'Completion claimed', checked: 'Check passed', rework: 'Sent to rework', closed: 'Closed', archived: 'Archived', voided: 'Voided', noted: 'Note', graded: 'Graded', merged: 'Merged into another', unmerged: 'Merge undone', joined: 'Another joined', parted: 'Another parted',
    evidence: 'Evidence added', called: 'Call', sensed: 'Readings',
  },
  step: {
    screened: 'Screen', rejected: 'Reject', filed: 'File', dispatched: 'Dispatch', accepted: 'Accept', returned: 'Return', enroute: 'Set off', onscene: 'On scene', handling: 'Start handling', extended: 'Extend',
    suspended: 'Suspend', resumed: 'Resume', claimed: 'Done', checked: 'Check passed', rework: 'Rework', closed: 'Close', archived: 'Archive', voided: 'Void', noted: 'Note', photo: 'Photo', reopen: 'Reopen',
  },
  source: { sensor: 'sensor', patrol: 'patrol', sos: 'SOS', hotline: '12345', resident: 'resident', partner: 'partner', desk: 'desk' },
  severity: { info: 'info', minor: 'minor', major: 'major', critical: 'critical' },
  clock: { arrive: 'arrive', handle: 'handle', check: 'check', intake: 'intake', triage: 'triage', file: 'file', dispatch: 'dispatch', accept: 'accept', close: 'close', verify: 'verify', reply: 'reply' },
  limit: { emergency: 'round the clock', 'working-hours': 'working hours', 'working-days': 'working days', 'calendar-hours': 'calendar hours', 'calendar-days': 'calendar days', plan: 'by plan' },
  case: {
    next: 'Next step', clocks: 'Limits', noClocks: 'No limit is running', nearest: 'Nearest three', again: 'Send another', dispatch: 'Dispatch', dispatchTo: 'Send {who}', dispatching: 'Dispatching…', excluded: '{n} not chosen', noCandidates: 'Nobody near can be sent',
    noCandidatesHint: 'Perhaps nobody is on duty or has a position. Open “why” to see each reason.', handler: 'Handler', noHandler: 'Not dispatched yet', department: 'Lead', with: 'Co-handling', evidence: 'Evidence', noEvidence: 'No photo yet',
    missing: 'Still missing: {list}', timeline: 'Timeline', cleared: 'Readings are back to normal', anew: 'Back to normal, then raised again: another case', reworks: '{n} × rework', call: 'Call', video: 'Video', whyTitle: '{step}: give the reason', reason: 'Reason', until: 'Until', eta: 'about {n} min',
    load: '{n} in hand', noLoad: 'nothing in hand', fixAge: 'fix {age}', open: 'Open case', device: 'Raised by', hazard: 'Hazard', reported: 'reported', near: 'arrived {n} m from the scene', offline: 'done offline, arrived {time}',
    hash: 'proof', conflict: 'Somebody else changed the case. It was refreshed: please look again.', note: 'Note', noteHint: 'Write a note…', overview: '{n} more', photo: 'photo', by: 'by {who}', cost: 'cost {n}',
  },
  reason: { best: 'best', 'by-road': 'by road', 'has-tasks': 'has tasks', 'old-fix': 'older fix', 'lead-department': 'lead department', 'co-department': 'supporting department', 'first-responder': 'first responder', nearest: 'nearest', 'own-grid': 'own grid', skilled: 'skilled', free: 'free', near: 'near', 'fair-load': 'light load', fresh: 'fresh fix', department: 'lead department', 'straight-line': 'straight line', road: 'by road' },
  why: { cleared: 'readings are normal again', automatic: 'done by the rule of the matter', system: 'system' },
  excluded: { 'no-way': 'no way there', farther: 'others fit better', 'off-duty': 'off duty', 'no-position': 'no position', 'stale-position': 'stale position', busy: 'busy', 'wrong-department': 'other department', 'too-far': 'too far', 'in-need': 'called for help' },
  proof: { 'photo-before': 'photo before', 'photo-after': 'photo after', signature: 'signature', document: 'document', video: 'video', checklist: 'checklist', callback: 'call-back', tag: 'tag', reading: 'reading', patrol: 'patrol photo', audio: 'recording', 'reused-photo': 'photo used before' },
  person: {
    onDuty: 'on duty', offDuty: 'off duty', presence: 'Terminal', online: 'online', offline: 'offline', unknown: 'unknown', lastFix: 'Position', noFix: 'no position', accuracy: '±{n} m', still: 'here for {span}', moving: 'moving',
    track: 'Track today', walked: '{n} km walked', stays: 'Stays', noStays: 'No stays', gaps: '{n} gaps without signal (unknown, not stays)', noTrack: 'No track today', working: 'Working on', battery: 'Battery', grids: 'Grids', skills: 'Skills', call: 'Call',
    stale: 'position is {age} old', forbidden: 'You may not look at tracks', replay: 'Replay',
  },
  force: { patrol: 'patrol', grid: 'grid worker', community: 'community', cadre: 'street cadre' },
  device: {
    values: 'Readings', never: 'never heard', every: 'every {span}', health: 'State', fresh: 'fine', stale: 'stale', fault: 'fault', unknown: 'unknown', chart: '24 hours', noSeries: 'No data in this time', ledger: 'Ledger', ledgerHint: 'polled (as the gateway says) = stored + repeated + superseded + quarantined + expired + pending + unexplained',
    hour: 'hour', polled: 'polled', stored: 'stored', repeated: 'repeated', superseded: 'superseded', quarantined: 'quarantined', expired: 'expired', pending: 'pending', balanced: 'balanced', unexplained: '{n} unexplained', untold: 'gateway silent', range: 'normal {min}–{max}', gateway: 'Gateway', profile: 'Profile', place: 'Place', quality: 'Quality',
    yes: '{what}', no: 'no {what}', good: 'good', uncertain: 'uncertain', bad: 'bad', name: 'Name', kind: 'Kind', heard: 'Last reading', noLedger: 'Nothing recorded today', filter: 'Filter by name or kind',
  },
  kind: {
    gas: 'gas', methane: 'gas', noise: 'noise', level: 'level', water: 'water', flood: 'flooding', temperature: 'temperature', temp: 'temperature', smoke: 'smoke', weather: 'weather', air: 'air', dust: 'dust', fume: 'fume', power: 'power', electricity: 'power', energy: 'energy',
    meter: 'meter', pressure: 'pressure', hydrant: 'hydrant', button: 'button', tilt: 'tilt', cabinet: 'cabinet', climate: 'climate', charging: 'charging', manhole: 'manhole', 'water-level': 'water level', leakage: 'residual current', position: 'position', relay: 'relay', door: 'door',
  },
  metric: {
    temperature: 'temperature', temp: 'temperature', humidity: 'humidity', ch4: 'methane', methane: 'methane', gas: 'combustible gas', lel: 'combustible gas', noise: 'noise', laeq: 'LAeq', level: 'level', depth: 'depth', pressure: 'pressure', pm25: 'PM2.5', pm10: 'PM10', fume: 'fume', voltage: 'voltage', current: 'current', residual: 'residual current',
    leakage: 'residual current', power: 'power', energy: 'energy', battery: 'battery', wind: 'wind', rain: 'rain', co: 'CO', smoke: 'smoke', flow: 'flow', so2: 'SO₂', no2: 'NO₂', o3: 'ozone', co2: 'CO₂', tilt: 'tilt', flooded: 'flooded', ratio: 'ratio', fault: 'fault', temperature_fault: 'temperature unreliable', humidity_fault: 'humidity unreliable',
  },
  map: { layers: 'Layers', people: 'People', devices: 'Devices', cases: 'Cases', grids: 'Grids', routes: 'Patrol routes', trails: 'Trails', fit: 'Whole street', follow: 'Follow', unsupported: 'This computer cannot draw the map (no WebGL). The lists work as always.', label: 'Map of the street' },
  pool: { title: 'Task pool', look: 'Progress', filter: 'Number, title, matter, grid…', state: 'State', matter: 'Matter', grid: 'Grid', who: 'Handler', due: 'Limit', source: 'Source', reported: 'Reported', number: 'Number', empty: 'No case matches', clear: 'Clear filters', count: '{n} cases', onlyOpen: 'open only', from: 'behind “{name}”' },
  patrol: {
    title: 'Patrols today', routes: '{n} routes', done: '{done}/{total} points', ahead: 'ahead', running: 'running', finished: 'done', missed: 'missed points', window: 'Window', grid: 'Grid', low: '{n} check-ins to look at', grade: 'presence {n}', empty: 'No routes today', unvisited: 'not visited', visited: '{time} {who}', summary: '{done}/{total} points visited', counts: 'counts', notCounts: 'does not count',
    why: { 'no-photo': 'no photo', 'out-of-radius': 'out of radius', 'out-of-window': 'out of window', inside: 'inside', photo: 'photo', window: 'in window', 'inaccurate': 'inaccurate fix', continuity: 'continuous', 'clock-offset': 'clock offset', mock: 'mock location' },
  },
  figures: {
    title: 'Figures', today: 'Today', week: '7 days', month: '30 days', reported: 'Reported', filed: 'Filed', handled: 'Handled', closed: 'Closed', onTime: 'Closed on time', open: 'Open', overdue: 'Overdue', response: 'Response', responseHint: 'filed → on scene', closing: 'Time to close', closingHint: 'reported → closed', handling: 'Handling', handlingHint: 'dispatched → claimed',
    mean: 'mean', median: 'median', p90: '90 %', basis: '{n} cases', none: 'No case to compute from yet', door: 'Show these {n}', formula: 'Definitions {v}', opened: 'Cases behind “{name}”', target: 'reference: 20 minutes', loops: 'The loop', speed: 'Speed',
  },
  system: {
    title: 'System', parts: 'Parts', ok: 'fine', degraded: 'degraded', down: 'down', lag: '{n} behind', quarantine: 'Quarantine', quarantineHint: 'What cannot be used is never lost: it is kept as it came, with the reason, and can be replayed after a fix.', empty: 'The quarantine is empty', cause: 'Cause', device: 'Device', count: 'Count', first: 'First', last: 'Last', replay: 'Replay', replayed: '{n} replayed', entries: 'Entries', payload: 'Payload', forbidden: 'Only administrators and installers see the quarantine', at: 'At', done: 'replayed',
  },
  part: {
    journal: 'Journal', broker: 'Devices’ door', history: 'History', 'consumer history': 'Writing history', 'consumer rules': 'Rules', 'consumer live': 'Live view', 'consumer quarantine': 'Quarantine', 'consumer ledger': 'Ledger', calendar: 'Working calendar', archive: 'Sealed cases', backup: 'Backup',
  },
  overview: { title: 'Today', hint: 'Select a case, a person or a device on the map or in a list.', now: 'Most urgent now', calm: 'Nothing that must be done at once', forces: 'Forces on duty', keys: 'Keys', keySearch: 'search', keyMove: 'previous / next', keyOpen: 'open', keyDispatch: 'send the nearest', keyCall: 'call the handler', keyClose: 'close' },
  call: {
    audio: 'Audio call', video: 'Video call', ringing: 'Calling {who}…', incoming: '{who} is calling', live: 'In call', accept: 'Accept', decline: 'Decline', hangup: 'Hang up', mute: 'Mute', unmute: 'Unmute', camera: 'Camera', noCamera: 'Camera off', busy: 'busy', 'timed-out': 'no answer', missed: 'missed', cancelled: 'cancelled', joined: 'joined', left: 'left', declined: 'declined', unreachable: 'terminal not connected', ended: 'Call ended', resuming: 'Signal lost, resuming…', lost: 'call lost',
    none: 'No calls', emptyHint: 'A call from the centre covers the whole screen, with sound and vibration.', recorded: 'Calls are recorded and kept as evidence on the task.', centre: 'Command centre', staff: 'Staff {id}', history: 'Recent calls', failed: 'The call failed: {why}', unavailable: 'calls are not connected', micDenied: 'The microphone was refused: allow it in the browser settings', elsewhere: 'answered on another device', you: 'me', pushTalk: 'Push to talk',
  },
  called: {
    created: 'called', ringing: 'rings', unreachable: 'terminal offline', accepted: 'answered', declined: 'declined', busy: 'busy', 'timed-out': 'no answer', elsewhere: 'answered elsewhere', left: 'hung up', resuming: 'signal lost', resumed: 'resumed', lost: 'cut off', ended: 'call ended',
  },
  field: {
    tasks: 'Tasks', patrol: 'Patrol', call: 'Calls', me: 'Me', noTasks: 'No task now', noTasksHint: 'Stay on duty: new tasks ring and vibrate.', offDutyHint: 'You are off duty and get no tasks.', goOnDuty: 'Go on duty', others: 'Other tasks', far: '{n} m', farKm: '{n} km', by: 'by {time}', noPlace: 'no own position', details: 'Details', back: 'Back', where: 'Scene',
    arrow: '{dir}', dir: { n: 'north', ne: 'north-east', e: 'east', se: 'south-east', s: 'south', sw: 'south-west', w: 'west', nw: 'north-west' }, photoFirst: 'First: {list}', retake: 'Again', use: 'Use photo', shoot: 'Take photo', cameraDenied: 'The camera cannot be opened: use the phone’s own', pickFile: 'Phone camera', photos: '{n} photos', waitsBefore: 'Photos and steps are sent in order when there is a network',
    reasonReturn: 'Why return it', returnTask: 'Return this task', waiting: 'Done, waits for the check', stepQueued: 'Noted, waits for a network', refusedTitle: 'The centre did not accept', dismiss: 'OK', done: 'Done', newTask: 'New task', offline: 'No network', queued: '{n} wait to be sent', sending: 'Sending {n}', photoWaits: '{n} photos wait',
    dutyOn: 'On duty', dutyOff: 'Off duty', dutyOnHint: 'position is reported', dutyOffHint: 'no position, no tasks', position: 'Position', positionOk: 'accuracy ±{n} m', positionNone: 'no fix yet', positionDenied: 'Refused: allow location in the browser settings', link: 'Link to the centre', linkUp: 'connected', linkDown: 'not connected', storage: 'Offline store', storageKept: 'protected', storagePlain: 'may be cleared by the system', wake: 'Screen stays on', wakeOn: 'on', wakeOff: 'off', wakeUnsupported: 'not supported', limits: 'A web page cannot ring or locate while the screen is locked. On duty, keep the screen on and stay on this page.', contrast: 'High contrast', queue: 'Waits to be sent', queueEmpty: 'Nothing waits', terminal: 'This terminal', version: 'Version',
    sos: 'SOS', sosHold: 'Hold 2 seconds for help', sosHolding: 'Keep holding…', sosSent: 'Help was called', sosQueued: 'Noted: goes out with the first network', sosTitle: 'SOS from a worker', routes: 'My routes', nextStop: 'Next point', checkIn: 'Check in with photo', tooFar: '{far} to go: check in when you are there', stops: '{done}/{total}', noRoutes: 'No route of mine today', routeDone: 'This route is walked', checkedIn: 'Checked in', checkInQueued: 'Checked in, waits to be sent', pendingVisit: 'waits', setOff: 'Set off', watermarkTask: 'Task', watermarkPoint: 'Point',
    dropped: 'Offline for long: the oldest {n} positions were dropped', notStaff: 'This account is no member of staff: no terminal can be bound', lookAt: 'Look at', signalLost: 'No position: step into the open',
  },
}
