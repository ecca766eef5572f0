// The icons in use, from one set (Lucide). Pages and the map draw the same
// nodes, so that a symbol means the same in both places.
import {
  Activity, Ban, BatteryLow, Bell, BellOff, Camera, Check, ChevronDown, ChevronLeft, ChevronRight, CircleAlert,
  CircleHelp, CircleUser, ClipboardList, Clock, CloudOff, CloudRain, Cpu, Droplets, Fan, Flame, Gauge, Headphones, House, Image,
  Languages, Layers, ListTodo, LocateFixed, LogOut, Map, MapPin, MapPinned, Mic, MicOff, Moon, Navigation, Pause, Phone,
  PhoneIncoming, PhoneMissed, PhoneOff, Play, Plus, Radio, RefreshCw, Route, Search, Send, Server, Siren, Sun,
  SunMedium, SwitchCamera, Thermometer, TriangleAlert, Upload, User, Users, Video, VideoOff, Volume2, Waves, Wifi, WifiOff, Wind, X, Zap,
  ChartColumn, type IconNode,
} from 'lucide'

const set = {
  activity: Activity, ban: Ban, battery: BatteryLow, bell: Bell, 'bell-off': BellOff, camera: Camera, check: Check,
  down: ChevronDown, left: ChevronLeft, right: ChevronRight, alert: CircleAlert, help: CircleHelp, me: CircleUser,
  tasks: ClipboardList, clock: Clock, offline: CloudOff, rain: CloudRain, device: Cpu, water: Droplets, fan: Fan, flame: Flame,
  gauge: Gauge, call: Headphones, house: House, image: Image, languages: Languages, layers: Layers, pool: ListTodo,
  locate: LocateFixed, 'sign-out': LogOut, map: Map, pin: MapPin, patrol: MapPinned, mic: Mic, 'mic-off': MicOff,
  moon: Moon, navigation: Navigation, pause: Pause, phone: Phone, 'phone-in': PhoneIncoming, 'phone-missed': PhoneMissed,
  'phone-off': PhoneOff, play: Play, plus: Plus, radio: Radio, refresh: RefreshCw, route: Route, search: Search,
  send: Send, server: Server, siren: Siren, sun: Sun, contrast: SunMedium, 'switch-camera': SwitchCamera,
  thermometer: Thermometer, warning: TriangleAlert, upload: Upload, person: User, people: Users, video: Video,
  'video-off': VideoOff, sound: Volume2, level: Waves, wifi: Wifi, 'wifi-off': WifiOff, wind: Wind, close: X,
  power: Zap, figures: ChartColumn,
} satisfies Record<string, IconNode>

export type IconName = keyof typeof set

/** iconNodes returns the shapes of an icon on a 24 × 24 field. */
export function iconNodes(name: IconName): IconNode {
  return set[name]
}

/** deviceIcon chooses the symbol of a kind of device. */
export function deviceIcon(kind: string): IconName {
  const k = kind.toLowerCase()
  if (/gas|methane|lel|co\b/.test(k)) return 'flame'
  if (/noise|sound/.test(k)) return 'sound'
  if (/level|flood|river/.test(k)) return 'level'
  if (/water|leak|moist|hydrant|pressure/.test(k)) return 'water'
  if (/temp|heat|smoke|cabinet/.test(k)) return 'thermometer'
  if (/weather|rain/.test(k)) return 'rain'
  if (/wind/.test(k)) return 'wind'
  if (/air|pm|dust|fume/.test(k)) return 'fan'
  if (/power|electr|meter|current|leakage|charge/.test(k)) return 'power'
  if (/button|sos/.test(k)) return 'siren'
  if (/camera/.test(k)) return 'camera'
  return 'gauge'
}
