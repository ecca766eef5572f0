// The open page's words: those that people use at home, none of the trade.
import { computed, ref } from 'vue'

export const zh = {
  title: '随手报', report: '我要上报', follow: '查进度', language: 'English', retry: '再试一次', close: '关闭', cancel: '取消',
  offline: '现在没有网络，写好的内容和照片都保存在手机里，联网后自动发送。', notReady: '暂时打不开，请稍后再试，或拨打 12345。',
  photo: '拍一张照片', photoMore: '再拍一张', photoHint: '最多 {n} 张。照片里的拍摄位置不会公开。', remove: '删除这张照片', photoNth: '第 {n} 张照片', photoPick: '从相册选',
  what: '是什么问题', whatElse: '换一个',
  where: '在哪里', whereHint: '点地图上的位置，或用手机定位。', locate: '定位', locating: '正在定位…', locateDenied: '没有取得定位，请直接在地图上点一下。', zoomIn: '放大', zoomOut: '缩小', map: '街道地图，方向键移动，回车选定中间的位置',
  accuracy: '误差约 {n} 米', outside: '这个位置不在本街道，请换一个位置，或拨打 12345。',
  words: '补充说明（可以不填）', wordsHint: '比如几号楼、从什么时候开始', left: '还能写 {n} 字', phone: '手机号（可以不填）', phoneHint: '只用来向您了解情况，不会给别的居民看到。不填就是匿名。',
  danger: '有人可能受伤', dangerHint: '已经有人受伤或着火，请先拨打 110、119、120。',
  near: '附近已有人报过', nearSame: '同一件事？不用再报，跟着看进度就行。', nearThis: '是这件，我要跟进', within: '{n} 米以内', sinceDay: '{day} 上报', following: '将跟进附近已有的上报',
  send: '提交', missing: '还差：{list}', missingWhat: '选问题', missingWhere: '选位置', sending: '正在发送…', queued: '已保存，等网络',
  sent: '收到了，谢谢您', code: '查询码', codeHint: '凭它查进度，也可以打电话时报给工作人员。这台手机已经替您记住。', photosLeft: '还有 {n} 张照片正在发送，请先不要清空浏览器。', again: '再报一件', see: '看进度',
  refused: '没有发出去',
  codeAsk: '输入 12 位查询码', look: '查询', mine: '这台手机上报过的', forget: '从手机里删除', said: '您说：', number: '编号 {n}', expected: '预计 {time} 前', followsHint: '别的居民先报了这件事，您在跟进。',
  steps: '办理过程', finished: '处理完的照片', own: '您的照片', reason: '原因：{why}', toWhom: '交给{who}', rate: '现在好了吗？', yes: '满意', no: '不满意', thanks: '谢谢您的评价', reopen: '没有解决，请再处理', reopenHint: '哪里还没好？', reopenSend: '请再处理', reopenUntil: '{day} 前可以要求再处理',
  today: '今天 {time}', yesterday: '昨天 {time}', update: '刷新',
  domain: { urban: '街面', environment: '空气和水', safety: '安全', governance: '小区' },
  stage: { received: '已收到', verifying: '正派人去看', queued: '已受理，等待安排', sent: '已安排处理', working: '正在处理', paused: '暂缓处理', checking: '处理完了，正在检查', done: '已办好', declined: '没有受理', void: '已取消' },
  step: { received: '收到您的上报', verifying: '派人到现场看', verified: '看过了，情况属实', accepted: '已受理', declined: '没有受理', sent: '安排处理', coming: '人已出发', there: '人到现场', paused: '暂缓处理', resumed: '恢复处理', finished: '处理完了，等检查', again: '检查不合格，重做', done: '检查合格，已办好', reopened: '按您的要求再处理', merged: '与另一件合并', void: '已取消' },
  fault: {
    'photo-none': '这不是照片，请换一张（JPEG、PNG、WebP）。', 'photo-large': '照片太大了（最多 8 MB），请换一张。', 'photo-broken': '这张照片打不开，请重新拍一张。', 'photo-many': '照片已经够多了。', limit: '操作太频繁，请过一会儿再试，或拨打 12345。',
    code: '查询码不对，请核对 12 位数字。', unknown: '没有找到这个查询码。', outside: '这个位置不在本街道。', phone: '手机号不对，可以不填。', words: '文字太长或没有填写。', gone: '那件事已经办结，请作为新的上报。', service: '请重新选择问题。', state: '现在还不能这样做。', other: '没有成功，请稍后再试。', net: '没有网络，请稍后再试。',
  },
  service: {
    CG01: '摆摊、店外摆货占道', CG02: '垃圾没人清', CG03: '建筑、装修垃圾乱倒', CG05: '单车乱停', CG06: '乱贴小广告', CG07: '井盖坏了或没了', CG08: '路面坏了、积水', CG09: '路灯、绿化坏了', HB01: '油烟呛人', HB03: '工地太吵', HB04: '工地灰大、车洒土', HB05: '烧东西、烧烤冒烟', HB06: '河水脏了', HB07: '污水冒出来', HB08: '垃圾分类点脏乱', HB09: '死动物、老鼠蚊虫',
    SZ08: '物业不管事', SZ09: '议好的事没落实', AQ01: '消防通道被堵', AQ02: '电动车进楼、飞线充电', AQ03: '有燃气味', AQ04: '电线有危险', AQ06: '房子危险、高处掉东西', AQ07: '路塌了、水管爆了', AQ08: '大雨积水、大风险情',
  } as Record<string, string>,
}

export const en: typeof zh = {
  title: 'Report it', report: 'Report', follow: 'Follow', language: '中文', retry: 'Try again', close: 'Close', cancel: 'Cancel',
  offline: 'No network now. What you wrote and photographed is kept on this phone and sent once there is one.', notReady: 'This does not open just now. Try later, or call 12345.',
  photo: 'Take a photo', photoMore: 'Another photo', photoHint: 'Up to {n}. Where a photo was taken is not published.', remove: 'Remove this photo', photoNth: 'Photo {n}', photoPick: 'From the album',
  what: 'What is it?', whatElse: 'Choose another',
  where: 'Where is it?', whereHint: 'Tap the place on the map, or let the phone find it.', locate: 'Find me', locating: 'Looking…', locateDenied: 'No position was found: tap the place on the map.', zoomIn: 'Closer', zoomOut: 'Farther', map: 'Map of the street; arrow keys move it, Enter chooses the middle',
  accuracy: 'within about {n} m', outside: 'This place is not in our street. Choose another, or call 12345.',
  words: 'More about it (optional)', wordsHint: 'Which house, since when', left: '{n} characters left', phone: 'Phone (optional)', phoneHint: 'Only to ask you back; no other resident sees it. Without it you stay anonymous.',
  danger: 'Somebody may get hurt', dangerHint: 'If somebody is hurt or it burns, call 110, 119 or 120 first.',
  near: 'Already reported nearby', nearSame: 'The same thing? Then just follow it.', nearThis: 'Yes, follow it', within: 'within {n} m', sinceDay: 'reported {day}', following: 'You will follow the report that is there',
  send: 'Send', missing: 'Still missing: {list}', missingWhat: 'what it is', missingWhere: 'where it is', sending: 'Sending…', queued: 'Kept, waiting for a network',
  sent: 'We have it, thank you', code: 'Your code', codeHint: 'Follow by it, or say it on the phone. This phone remembers it for you.', photosLeft: '{n} photos are still being sent; do not clear the browser yet.', again: 'Report another', see: 'See how it goes',
  refused: 'It was not sent',
  codeAsk: 'Type the twelve digits', look: 'Look', mine: 'Reported from this phone', forget: 'Forget on this phone', said: 'You wrote: ', number: 'No. {n}', expected: 'expected by {time}', followsHint: 'Another resident reported this first; you follow it.',
  steps: 'What was done', finished: 'The finished work', own: 'Your photos', reason: 'Why: {why}', toWhom: 'to {who}', rate: 'Is it in order now?', yes: 'Yes', no: 'No', thanks: 'Thank you for telling us', reopen: 'Not solved: please come again', reopenHint: 'What is not in order?', reopenSend: 'Please come again', reopenUntil: 'possible until {day}',
  today: 'today {time}', yesterday: 'yesterday {time}', update: 'Refresh',
  domain: { urban: 'In the street', environment: 'Air, water', safety: 'Safety', governance: 'My block' },
  stage: { received: 'Received', verifying: 'Somebody goes to look', queued: 'Accepted, waiting its turn', sent: 'Handed to those who do it', working: 'Being done', paused: 'Put off', checking: 'Done, being checked', done: 'Done', declined: 'Not accepted', void: 'Cancelled' },
  step: { received: 'We received it', verifying: 'Somebody was sent to look', verified: 'Looked at: it is so', accepted: 'Accepted', declined: 'Not accepted', sent: 'Handed on', coming: 'Somebody set off', there: 'Somebody is there', paused: 'Put off', resumed: 'Taken up again', finished: 'Done, to be checked', again: 'Not good enough, done again', done: 'Checked and in order', reopened: 'Opened again for you', merged: 'Joined with another', void: 'Cancelled' },
  fault: {
    'photo-none': 'This is no photo: choose a JPEG, PNG or WebP.', 'photo-large': 'The photo is too large (8 MB at most): choose another.', 'photo-broken': 'This photo cannot be opened: take another.', 'photo-many': 'There are enough photos.', limit: 'Too often: try again in a while, or call 12345.',
    code: 'This is no code: check its twelve digits.', unknown: 'There is no such code.', outside: 'This place is not in our street.', phone: 'The phone number is not right; it may be left out.', words: 'Too many words, or none.', gone: 'That one is done: send yours as new.', service: 'Choose again what it is.', state: 'This is not possible now.', other: 'It did not work: try later.', net: 'No network: try later.',
  },
  service: {
    CG01: 'Stalls or goods in the way', CG02: 'Rubbish lying about', CG03: 'Rubble dumped', CG05: 'Bikes parked in the way', CG06: 'Adverts stuck everywhere', CG07: 'Manhole cover broken or gone', CG08: 'Broken road, puddles', CG09: 'Lamp or plants damaged', HB01: 'Cooking fumes', HB03: 'Loud building site', HB04: 'Dust from sites or lorries', HB05: 'Burning, barbecue smoke', HB06: 'Dirty river', HB07: 'Sewage coming up', HB08: 'Dirty waste-sorting point', HB09: 'Dead animals, rats, insects',
    SZ08: 'Property manager does nothing', SZ09: 'A resolution not carried out', AQ01: 'Fire lane blocked', AQ02: 'E-bikes charged indoors', AQ03: 'Smell of gas', AQ04: 'Dangerous wires', AQ06: 'Unsafe house, falling things', AQ07: 'Road collapsed, main burst', AQ08: 'Flooding or storm danger',
  },
}

const kept = (() => { try { return localStorage.getItem('gridhub.locale') } catch { return null } })()
export const english = ref(kept === 'en')
export const words = computed(() => (english.value ? en : zh))

/** fill puts values into a text's blanks. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (_, k: string) => String(values[k] ?? ''))
}

export function switchLanguage(): void {
  english.value = !english.value
  document.documentElement.lang = english.value ? 'en' : 'zh-CN'
  try { localStorage.setItem('gridhub.locale', english.value ? 'en' : 'zh-CN') } catch { /* a browser that keeps nothing still works */ }
}

export const either = (n: { zh: string; en: string } | undefined | null) => (n ? (english.value ? n.en : n.zh) || n.zh : '')

/** day and moment say when, as people do. */
export function day(at: number): string {
  return new Date(at).toLocaleDateString(english.value ? 'en-GB' : 'zh-CN', { month: 'short', day: 'numeric' })
}

export function moment(at: number): string {
  const then = new Date(at)
  const time = `${then.getHours()}:${String(then.getMinutes()).padStart(2, '0')}`
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000)
  if (days === 0) return fill(words.value.today, { time })
  return days === 1 ? fill(words.value.yesterday, { time }) : `${day(at)} ${time}`
}
