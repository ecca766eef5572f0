// The icons in use, from one set (Lucide). Pages and the map draw the same
// nodes, so that a symbol means the same in both places.
// Each icon by itself: the whole set would cost the build two thousand modules.
import type { IconNode } from 'lucide'
import Activity from 'lucide/dist/esm/icons/activity.mjs'
import Ban from 'lucide/dist/esm/icons/ban.mjs'
import BatteryLow from 'lucide/dist/esm/icons/battery-low.mjs'
import Bell from 'lucide/dist/esm/icons/bell.mjs'
import BellOff from 'lucide/dist/esm/icons/bell-off.mjs'
import Camera from 'lucide/dist/esm/icons/camera.mjs'
import Check from 'lucide/dist/esm/icons/check.mjs'
import ChevronDown from 'lucide/dist/esm/icons/chevron-down.mjs'
import ChevronLeft from 'lucide/dist/esm/icons/chevron-left.mjs'
import ChevronRight from 'lucide/dist/esm/icons/chevron-right.mjs'
import CircleAlert from 'lucide/dist/esm/icons/circle-alert.mjs'
import CircleHelp from 'lucide/dist/esm/icons/circle-question-mark.mjs'
import CircleUser from 'lucide/dist/esm/icons/circle-user.mjs'
import ClipboardList from 'lucide/dist/esm/icons/clipboard-list.mjs'
import Clock from 'lucide/dist/esm/icons/clock.mjs'
import CloudOff from 'lucide/dist/esm/icons/cloud-off.mjs'
import CloudRain from 'lucide/dist/esm/icons/cloud-rain.mjs'
import Cpu from 'lucide/dist/esm/icons/cpu.mjs'
import Droplets from 'lucide/dist/esm/icons/droplets.mjs'
import Eye from 'lucide/dist/esm/icons/eye.mjs'
import Fan from 'lucide/dist/esm/icons/fan.mjs'
import Flame from 'lucide/dist/esm/icons/flame.mjs'
import Gauge from 'lucide/dist/esm/icons/gauge.mjs'
import Headphones from 'lucide/dist/esm/icons/headphones.mjs'
import House from 'lucide/dist/esm/icons/house.mjs'
import Image from 'lucide/dist/esm/icons/image.mjs'
import Languages from 'lucide/dist/esm/icons/languages.mjs'
import Layers from 'lucide/dist/esm/icons/layers.mjs'
import ListTodo from 'lucide/dist/esm/icons/list-todo.mjs'
import LocateFixed from 'lucide/dist/esm/icons/locate-fixed.mjs'
import LogOut from 'lucide/dist/esm/icons/log-out.mjs'
import Map from 'lucide/dist/esm/icons/map.mjs'
import MapPin from 'lucide/dist/esm/icons/map-pin.mjs'
import MapPinned from 'lucide/dist/esm/icons/map-pinned.mjs'
import Mic from 'lucide/dist/esm/icons/mic.mjs'
import MicOff from 'lucide/dist/esm/icons/mic-off.mjs'
import Moon from 'lucide/dist/esm/icons/moon.mjs'
import Navigation from 'lucide/dist/esm/icons/navigation.mjs'
import Pause from 'lucide/dist/esm/icons/pause.mjs'
import Phone from 'lucide/dist/esm/icons/phone.mjs'
import PhoneIncoming from 'lucide/dist/esm/icons/phone-incoming.mjs'
import PhoneMissed from 'lucide/dist/esm/icons/phone-missed.mjs'
import PhoneOff from 'lucide/dist/esm/icons/phone-off.mjs'
import Play from 'lucide/dist/esm/icons/play.mjs'
import Plus from 'lucide/dist/esm/icons/plus.mjs'
import Radio from 'lucide/dist/esm/icons/radio.mjs'
import RefreshCw from 'lucide/dist/esm/icons/refresh-cw.mjs'
import Route from 'lucide/dist/esm/icons/route.mjs'
import ScrollText from 'lucide/dist/esm/icons/scroll-text.mjs'
import Search from 'lucide/dist/esm/icons/search.mjs'
import Send from 'lucide/dist/esm/icons/send.mjs'
import Server from 'lucide/dist/esm/icons/server.mjs'
import AlarmSmoke from 'lucide/dist/esm/icons/alarm-smoke.mjs'
import Siren from 'lucide/dist/esm/icons/siren.mjs'
import Sun from 'lucide/dist/esm/icons/sun.mjs'
import SunMedium from 'lucide/dist/esm/icons/sun-medium.mjs'
import SwitchCamera from 'lucide/dist/esm/icons/switch-camera.mjs'
import Thermometer from 'lucide/dist/esm/icons/thermometer.mjs'
import TriangleAlert from 'lucide/dist/esm/icons/triangle-alert.mjs'
import Upload from 'lucide/dist/esm/icons/upload.mjs'
import User from 'lucide/dist/esm/icons/user.mjs'
import Users from 'lucide/dist/esm/icons/users.mjs'
import Video from 'lucide/dist/esm/icons/video.mjs'
import VideoOff from 'lucide/dist/esm/icons/video-off.mjs'
import Volume2 from 'lucide/dist/esm/icons/volume-2.mjs'
import Waves from 'lucide/dist/esm/icons/waves-horizontal.mjs'
import Wifi from 'lucide/dist/esm/icons/wifi.mjs'
import WifiOff from 'lucide/dist/esm/icons/wifi-off.mjs'
import Wind from 'lucide/dist/esm/icons/wind.mjs'
import Wrench from 'lucide/dist/esm/icons/wrench.mjs'
import X from 'lucide/dist/esm/icons/x.mjs'
import Zap from 'lucide/dist/esm/icons/zap.mjs'
import ChartColumn from 'lucide/dist/esm/icons/chart-column.mjs'

const set = {
  activity: Activity, ban: Ban, battery: BatteryLow, bell: Bell, 'bell-off': BellOff, camera: Camera, check: Check,
  down: ChevronDown, left: ChevronLeft, right: ChevronRight, alert: CircleAlert, help: CircleHelp, me: CircleUser,
  tasks: ClipboardList, clock: Clock, offline: CloudOff, rain: CloudRain, device: Cpu, water: Droplets, eye: Eye, fan: Fan, flame: Flame,
  gauge: Gauge, call: Headphones, house: House, image: Image, languages: Languages, layers: Layers, pool: ListTodo,
  locate: LocateFixed, 'sign-out': LogOut, map: Map, pin: MapPin, patrol: MapPinned, mic: Mic, 'mic-off': MicOff,
  moon: Moon, navigation: Navigation, pause: Pause, phone: Phone, 'phone-in': PhoneIncoming, 'phone-missed': PhoneMissed,
  'phone-off': PhoneOff, play: Play, plus: Plus, radio: Radio, refresh: RefreshCw, route: Route, search: Search,
  send: Send, server: Server, siren: Siren, smoke: AlarmSmoke, sun: Sun, contrast: SunMedium, 'switch-camera': SwitchCamera,
  thermometer: Thermometer, warning: TriangleAlert, upload: Upload, person: User, people: Users, video: Video,
  'video-off': VideoOff, sound: Volume2, level: Waves, wifi: Wifi, 'wifi-off': WifiOff, wind: Wind, close: X,
  power: Zap, figures: ChartColumn, wrench: Wrench, audit: ScrollText,
} satisfies Record<string, IconNode>

export type IconName = keyof typeof set

/** iconNodes returns the shapes of an icon on a 24 × 24 field. */
export function iconNodes(name: IconName): IconNode {
  return set[name]
}

/** deviceIcons are all that deviceIcon can choose: a device may appear at any time. */
export const deviceIcons: IconName[] = ['flame', 'smoke', 'sound', 'level', 'water', 'thermometer', 'rain', 'wind', 'fan', 'power', 'siren', 'camera', 'navigation', 'gauge']

/** deviceIcon chooses the symbol of a kind of device. */
export function deviceIcon(kind: string): IconName {
  const k = kind.toLowerCase()
  if (/gas|methane|lel|co\b/.test(k)) return 'flame'
  if (/noise|sound/.test(k)) return 'sound'
  if (/level|flood|river/.test(k)) return 'level'
  if (/water|leak|moist|hydrant|pressure/.test(k)) return 'water'
  if (/smoke/.test(k)) return 'smoke'
  if (/temp|heat|climate|cabinet/.test(k)) return 'thermometer'
  if (/weather|rain/.test(k)) return 'rain'
  if (/wind/.test(k)) return 'wind'
  if (/air|pm|dust|fume/.test(k)) return 'fan'
  if (/power|electr|meter|current|leakage|charge/.test(k)) return 'power'
  if (/button|sos/.test(k)) return 'siren'
  if (/camera/.test(k)) return 'camera'
  if (/position/.test(k)) return 'navigation'
  return 'gauge'
}
