// The words of the trade, 中文 first. en.ts has the same keys, held by a test.
import { zh as people } from './people'

export const zh = {
  ...people,
  time: {
    justNow: '刚刚', minutesAgo: '{n} 分钟前', hoursAgo: '{n} 小时前', daysAgo: '{n} 天前', today: '今天', yesterday: '昨天',
    seconds: '{n} 秒', minutes: '{n} 分', hours: '{n} 小时', days: '{n} 天', left: '剩 {span}', early: '按时，提前 {span}', over: '超 {span}', at: '{time} 更新',
  },
  app: {
    centre: '网格指挥中心', field: '网格员', retry: '重试', close: '关闭', cancel: '取消', confirm: '确定', why: '为什么', none: '无', unknown: '未知',
    all: '全部', more: '更多', loading: '正在读取…', failed: '没有成功', unreachable: '联系不上中心', unreachableHint: '服务没有应答。请检查网络或联系系统管理员，页面会自动重试。',
    demo: '演示街道', language: 'English', light: '浅色', dark: '深色', signOut: '退出登录', lineDead: '实时连接已断开，画面可能过时，正在重连…', lineConnecting: '正在接通实时数据…', noData: '暂无数据',
  },
  sign: {
    title: '登录', account: '账号', password: '密码', in: '登录', busy: '正在登录…', wrong: '账号或密码不对', locked: '失败次数过多，请稍后再试',
    setupTitle: '首次启动', setupHint: '请输入启动时打印的一次性令牌，并设置首位管理员。令牌也保存在数据目录中（仅管理员可读）。',
    token: '一次性令牌', newPassword: '密码（至少 12 位）', claim: '创建管理员', used: '令牌已用过或已过期', wrongToken: '令牌不对', weak: '密码太弱：至少 12 位，且不能是已泄露的密码',
  },
  head: {
    duty: '在岗', open: '未结', overdue: '超时', hazards: '隐患', health: '系统', search: '搜索', searchHint: '搜人、案件、设备、网格…', nothing: '没有找到“{q}”', healthOk: '正常', healthBad: '{n} 项异常',
  },
  room: { map: '地图', pool: '任务池', patrols: '巡查', figures: '统计', devices: '设备', people: '人员', system: '系统', audit: '审计' },
  work: {
    title: '待办', hazards: '隐患', pool: '待办', mine: '我的', emptyHazards: '没有持续中的隐患', emptyPool: '任务池已清空', emptyMine: '没有派给您的任务',
    emptyHint: '有新情况会出现在这里并响铃。', unassigned: '未派遣', fresh: '{n} 条新任务', freshShow: '点按显示', newWork: '新任务', acknowledge: '知道了', soundOff: '声音未开启，点按开启', sound: '提示音',
  },
  look: { new: '新增', hand: '处理中', wait: '等待', over: '超时', done: '已结' },
  state: {
    reported: '已上报', screened: '已受理', rejected: '不予受理', verifying: '核实中', verified: '核实属实', filed: '已立案', dispatched: '已派遣', accepted: '已签收', returned: '已回退',
    enroute: '前往中', onscene: '已到场', handling: '处置中', cosign: '会签中', extended: '已延时', suspended: '已挂账', resumed: '已恢复', claimed: '已反馈', checking: '核查中',
    checked: '核查通过', rework: '返工', spot: '自处置', closed: '已结案', archived: '已归档', voided: '已作废', merged: '已并案', objected: '异议复核中', upheld: '异议成立',
  },
  event: {
    reported: '上报', screened: '受理', rejected: '不予受理', verifying: '派人核实', verified: '核实属实', filed: '立案', dispatched: '派遣', accepted: '签收', returned: '回退', enroute: '出发', onscene: '到场', handling: '开始处置',
    extended: '延时', suspended: '挂账', resumed: '恢复', claimed: '处理反馈', checked: '核查通过', rework: '返工', spot: '自处置', closed: '结案', archived: '归档', voided: '作废', noted: '备注', graded: '调整等级', merged: '并入他案', unmerged: '撤销并案', joined: '他案并入', parted: '他案分出',
    evidence: '补充证据', called: '通话', sensed: '读数确认', supervised: '督办', escalated: '时限提醒', objected: '提出异议', upheld: '异议成立', dismissed: '异议驳回', cosign: '发起会签', agreed: '会签同意', opposed: '会签不同意', withdrawn: '撤回会签',
    ordered: '协办派单', taken: '协办签收', declined: '协办退单', done: '协办办结', waived: '协办免办',
  },
  step: {
    screened: '受理', rejected: '不予受理', verifying: '派人核实', verified: '核实属实', filed: '立案', dispatched: '派遣', accepted: '接单', returned: '回退', enroute: '出发', onscene: '到场', handling: '开始处置', extended: '延时',
    suspended: '挂账', resumed: '恢复', claimed: '办结', checked: '核查通过', rework: '返工', spot: '记为自处置', closed: '结案', archived: '归档', voided: '作废', supervised: '督办', noted: '备注', photo: '拍照', reopen: '重开',
    objected: '提出异议', upheld: '异议成立', dismissed: '驳回异议', cosign: '发起会签', agreed: '同意', opposed: '不同意', withdrawn: '撤回会签', ordered: '派协办单', taken: '签收', declined: '退单', done: '协办办结', waived: '免办',
  },
  order: { ordered: '待签收', taken: '办理中', declined: '已退单', done: '已办结', waived: '已免办' },
  round: { open: '会签中', passed: '会签通过', vetoed: '被否决', failed: '未达票数', withdrawn: '已撤回', lapsed: '已失效' },
  parallel: {
    title: '协同办理', lead: '主办', co: '协办 {n}', must: '必办', anyone: '部门内任一人', sent: '第 {n} 次派出', resend: '改派或重派', add: '加派协办', department: '部门', optional: '核查不等它', send: '派单', record: '代录：{step}', waiting: '核查要等：{list}',
    cosign: '会签', round: '第 {n} 轮', quorum: '{need}/{of} 家同意即通过', veto: '可否决', silent: '未表态', held: '时间在谁手里', now: '正在其手中', passes: '推诿与改派', pass: '{from} 退出，{to} 接手', open: '{from} 退出，还没有接手的', dismissed: '{from} 的异议被驳回', lost: '耽误 {span}', back: '来回', yours: '您的协办单', sign: '请您会签', desk: '指挥中心',
  },
  source: { sensor: '传感器', patrol: '巡查', sos: '一键求助', hotline: '12345', resident: '居民', partner: '共建单位', desk: '值班登记' },
  severity: { info: '提示', minor: '一般', major: '较重', critical: '严重' },
  clock: { 'co-accept': '协办签收', 'co-handle': '协办处置', cordon: '警戒', stop: '制止', penalty: '处罚', remove: '拆除', post: '到岗', report: '报告', visit: '走访', arrive: '到场', handle: '处置', check: '核查', screen: '受理', intake: '受理', triage: '受理', file: '立案', dispatch: '派遣', accept: '签收', close: '结案', verify: '核实', reply: '答复' },
  level: { holder: '承办人', lead: '组长', head: '部门负责人', leader: '分管领导' },
  limit: { emergency: '紧急时', 'working-hours': '工作时', 'working-days': '工作日', 'calendar-hours': '日历时', 'calendar-days': '日历日', plan: '按计划' },
  case: {
    next: '下一步', clocks: '时限', noClocks: '没有计时中的时限', nearest: '最近的三人', again: '改派', dispatch: '派遣', dispatchTo: '派给 {who}', dispatching: '正在派遣…', excluded: '未入选 {n} 人', noCandidates: '附近没有可派的人',
    noCandidatesHint: '可能无人在岗或没有位置。展开“为什么”查看每个人的原因。', handler: '处理人', noHandler: '尚未派遣', department: '主办', with: '协办', evidence: '证据', noEvidence: '还没有照片',
    risk: '到此时仍未办结的 {such} 件同类案件中，{share} % 超过了{limit}时限；还剩 {left}。',
    missing: '还缺：{list}', timeline: '过程', cleared: '读数已恢复正常', anew: '恢复正常后再次超限，已另立一案', reworks: '返工 {n} 次', supervised: '督办中', escalated: '{limit}时限已用 {share}%，已提醒{who}', reminded: '已提醒', call: '语音', video: '视频', whyTitle: '{step}：请写明原因', reason: '原因', until: '到何时', eta: '约 {n} 分钟',
    load: '手上 {n} 件', noLoad: '手上没有任务', fixAge: '位置 {age}', open: '打开案件', device: '触发设备', hazard: '隐患', reported: '上报', near: '到场位置距现场 {n} 米', offline: '离线完成，{time} 送达',
    hash: '存证', conflict: '案件刚被别人更新，已为您刷新，请再看一眼。', note: '备注', noteHint: '写一条备注…', overview: '其余 {n} 项', photo: '照片', by: '由 {who}', cost: '综合 {n}',
  },
  reason: { 'absent-leave': '休假', 'absent-sick': '病假', 'absent-training': '培训', 'absent-errand': '公出', 'absent-other': '缺勤', best: '首选', 'by-road': '按路网', 'has-tasks': '手上有任务', 'old-fix': '位置较旧', 'lead-department': '主办部门', 'co-department': '协办部门', 'first-responder': '先期处置力量', nearest: '最近', 'own-grid': '本网格', skilled: '有专长', free: '空闲', near: '较近', 'fair-load': '任务较少', fresh: '位置新', department: '主办部门', 'straight-line': '直线估算', road: '按路网' },
  why: { cleared: '读数已恢复正常', automatic: '按事项规则自动完成', system: '系统' },
  excluded: { 'no-way': '无路可达', farther: '另有更合适的人', 'off-duty': '不在岗', 'no-position': '没有位置', 'stale-position': '位置过时', busy: '任务已满', absent: '缺勤', 'wrong-department': '部门不符', 'too-far': '太远', 'in-need': '求助者本人' },
  proof: { 'photo-before': '处置前照片', 'photo-after': '处置后照片', signature: '签名', document: '文书', video: '视频', checklist: '检查表', callback: '回访', tag: '打卡点', reading: '读数', patrol: '巡查照片', audio: '录音', snapshot: '监控截图', 'reused-photo': '照片曾使用过', recorded: '中心代录', },
  person: {
    onDuty: '在岗', offDuty: '不在岗', presence: '终端', online: '在线', offline: '离线', unknown: '未知', lastFix: '位置', noFix: '没有位置', accuracy: '±{n} 米', still: '停留 {span}', moving: '移动中',
    track: '今日轨迹', walked: '步行 {n} 公里', stays: '停留点', noStays: '没有停留', gaps: '{n} 段无信号（未知，非停留）', noTrack: '今天没有轨迹', working: '正在处理', battery: '电量', grids: '网格', skills: '专长', call: '呼叫',
    stale: '位置已 {age} 未更新', forbidden: '您没有查看轨迹的权限', replay: '回放',
  },
  force: { patrol: '综治巡防', grid: '网格员', community: '社区两委', cadre: '街道干部' },
  device: {
    values: '当前读数', never: '从未上报', every: '每 {span} 一次', health: '状态', fresh: '正常', stale: '过时', fault: '故障', service: '维护中', removed: '已拆除', unknown: '未知', chart: '24 小时', noSeries: '这段时间没有数据', ledger: '数据账本', ledgerHint: '采集（网关自报）= 入库 + 重复 + 覆盖 + 隔离 + 过期 + 待处理 + 去向不明',
    hour: '时段', verdict: '结果', polled: '采集', stored: '入库', repeated: '重复', superseded: '覆盖', quarantined: '隔离', expired: '过期', pending: '待处理', balanced: '账平', unexplained: '{n} 条去向不明', untold: '网关未报', range: '正常 {min} 至 {max}', gateway: '网关', profile: '型号', place: '位置', quality: '质量',
    yes: '有{what}', no: '无{what}', good: '可信', uncertain: '存疑', bad: '不可信', name: '名称', kind: '类型', heard: '最近读数', noLedger: '今天还没有记录', filter: '按名称或类型筛选',
  },
  fault: {
    title: '正在发生的故障', none: '没有故障', sensor: '传感器', line: '线路', gateway: '网关', uplink: '上行网络', power: '供电', why: '依据', next: '怎么办', affects: '{n} 台设备没有读数', since: '始于', was: '起初判断为{cause}', lineOf: '{gateway} 的线路 {line}', lasted: '持续 {span}', past: '刚恢复的', failed: '读不到故障列表：{why}',
    clocks: '时钟不准', ahead: '快 {span}', behind: '慢 {span}', corrected: '读数已校正到正确时间', ignored: '不采用，以网关时间为准', flagged: '照设备所报保留，也可能是数据本身就这么旧', kept: '准确', heard: '估计于',
  },
  life: {
    thing: '设备档案', unit: '序列号', untold: '未登记', seal: '封签', photo: '照片', openPhoto: '查看照片', holder: '使用者', nobody: '未绑定', person: '人员', noPerson: '（不绑定人员）', vehicle: '车辆', plate: '车牌号，如 川A12345', give: '绑定', takeBack: '解除绑定', change: '更改', giveTitle: '{what} 由谁使用', giveHint: '从现在起生效：此前的轨迹仍属于当时的使用者。下班后人员的位置不保存。', fix: '定位',
    removedAt: '{at} 起不在网关清单中', removedHint: '已拆除：历史数据保留，不再产生隐患。', newUnit: '更换 {unit}', restarts: '竖线处更换了设备：计数从新表重新开始，不是负用量。',
    maintained: '维护中', maintainedHint: '读数照常保存，不产生隐患；到时自动结束。', setAtGateway: '由网关 {gateway} 的设备文件设定，只能在网关结束', until: '到 {at} 自动结束，还有 {left}', till: '到 {at}', begin: '开始维护', prolong: '修改', end: '立即结束', beginTitle: '{what} 进入维护', length: '时长', why: '原因', whyHint: '例如：标定、更换电池、施工',
    logbook: '设备日志', noLogbook: '还没有记录', spared: '未上报：{what}',
  },
  happened: { added: '首次登记', removed: '拆除', returned: '重新接入', replaced: '更换设备', identified: '登记序列号', profile: '更换型号文件', moved: '移动位置', gateway: '更换网关', maintenance: '开始维护', 'maintenance-end': '结束维护', bound: '绑定', unbound: '解除绑定' },
  spared: { late: '数据迟到', maintenance: '维护期间' },
  command: {
    title: '远程控制', unsigned: '无签名', unsignedHint: '该设备的协议不支持签名，指令以设备自己的应答或状态为准', on: '开', off: '关', set: '设定', send: '下发指令', by: '由 {who} 下发',
    confirmTitle: '确认下发指令', confirmHint: '指令会真实动作现场设备。60 秒内未开始执行则作废。', question: '将“{device}”的“{control}”设为 {value}？',
  },
  commandState: { created: '已登记', sent: '已发出', acknowledged: '网关已接收', executed: '已执行', failed: '执行失败', expired: '已过期', refused: '被拒绝' },
  commandCause: {
    'not-delivered': '有效期内没有送达', 'no-answer': '已发出，但设备没有应答，结果未知', signature: '签名不符', key: '网关没有这把公钥，请更新网关的公钥', receiver: '不是发给这台网关的', control: '设备没有这个控制项',
    value: '数值不被接受', device: '设备报告失败', timeout: '设备没有应答', busy: '网关待办过多', disk: '网关磁盘写不下，没有执行', forgotten: '网关的记录已损坏，可能已执行过', 'unknown-outcome': '执行中断，结果未知，请现场确认', interrupted: '执行中断，设备显示未动作', 'line-down': '线路不通', unproven: '已写入，但设备回读没有证实', unfit: '设备不接受这个值', mismatch: '设备回读的值不符', damaged: '应答损坏', internal: '网关内部错误', expired: '网关收到时已过期',
  },
  commandWaiting: { offline: '网关不在线，上线后立即下发', 'not-subscribed': '网关在线，但尚未接收指令', 'queue-full': '网关积压过多，稍后重发', unsent: '暂时发不出，稍后重发' },
  kind: {
    gas: '燃气', methane: '燃气', noise: '噪声', level: '水位', water: '水', flood: '内涝', temperature: '温度', temp: '温度', smoke: '烟感', weather: '气象', air: '空气', dust: '扬尘', fume: '油烟', power: '用电', electricity: '用电', energy: '电能',
    meter: '电表', pressure: '水压', hydrant: '消防栓', button: '按钮', tilt: '倾斜', cabinet: '机柜', climate: '温湿度', charging: '充电', manhole: '井盖', 'water-level': '水位', leakage: '剩余电流', position: '定位', relay: '继电器', door: '门磁',
  },
  metric: {
    relay_1: '第 1 路', relay_2: '第 2 路', relay_3: '第 3 路', relay_4: '第 4 路', relay_5: '第 5 路', relay_6: '第 6 路', relay_7: '第 7 路', relay_8: '第 8 路', siren: '警号', opening: '开度', text: '文字', POWER: '开关', Dimmer: '亮度',
    temperature: '温度', temp: '温度', humidity: '湿度', ch4: '甲烷', methane: '甲烷', gas: '可燃气', lel: '可燃气', noise: '噪声', laeq: '等效声级', level: '水位', depth: '水深', pressure: '压力', pm25: 'PM2.5', pm10: 'PM10', fume: '油烟', voltage: '电压', current: '电流', residual: '剩余电流',
    leakage: '剩余电流', power: '功率', energy: '电量', battery: '电池', wind: '风速', rain: '雨量', co: '一氧化碳', smoke: '烟雾', flow: '流量', so2: '二氧化硫', no2: '二氧化氮', o3: '臭氧', co2: '二氧化碳', tilt: '倾角', flooded: '进水', ratio: '变比', fault: '故障', temperature_fault: '温度不可用', humidity_fault: '湿度不可用', fix: '定位', satellites: '卫星数', hdop: '水平精度因子', sos: '紧急报警', 'power-low': '欠压', 'power-cut': '断电', signal: '信号强度',
  },
  camera: { title: '摄像头', near: '附近摄像头', live: '实时', coming: '正在接通画面…', noLine: '画面中断，正在重连…', forbidden: '您的角色不能查看摄像头', snapshot: '截图存证', kept: '截图已存入本案证据', fault: '故障', recorded: '查看会记入审计。现在有 {n} 人在看。' },
  cameraPhase: { idle: '待机', connecting: '接通中', live: '实时', failed: '故障' },
  cameraFault: { h265: '摄像头输出 H.265，请改为 H.264', 'b-frames': '摄像头开启了 B 帧，请关闭 B 帧（智能编码）', 'no-video': '此地址没有 H.264 视频', auth: '用户名或密码不对', 'not-found': '码流路径不对', busy: '摄像头连接数已满', unreachable: '连不上摄像头', silent: '摄像头不再发送画面', refused: '摄像头拒绝连接', broken: '画面中断' },
  map: { layers: '图层', people: '人员', devices: '设备', cameras: '摄像头', cases: '案件', grids: '网格', routes: '巡查路线', trails: '轨迹', fit: '全街道', follow: '跟随', unsupported: '此电脑不能显示地图（缺少 WebGL），列表照常可用。', label: '街道地图' },
  pool: { chosen: '已选 {n} 件', chooseAll: '全选', dispatchBest: '各派最近的人', merge: '并入最早一件', clearChoice: '取消选择', failed: '{n} 件未成，仍保持选中', view: '视图', saveView: '保存视图', dropView: '删除此视图', viewName: '名称', order: '排序', by: { urgency: '按紧急程度', risk: '按超时可能', reported: '按上报时间' }, columns: '列', risk: '超时可能', riskHint: '以往同类案件中后来超时的比例', riskWhy: '{such} 件同类案件中有 {late} 件超过{limit}时限', noRisk: '同类案件太少，或没有在走的时限', keys: 'J / K 上下，X 选中，D 派遣', title: '任务池', look: '进度', filter: '编号、标题、事项、网格…', state: '状态', matter: '事项', grid: '网格', who: '处理人', due: '时限', source: '来源', reported: '上报', number: '编号', empty: '没有符合条件的案件', clear: '清除筛选', count: '{n} 件', onlyOpen: '只看未结', from: '来自“{name}”' },
  patrol: {
    title: '今日巡查', routes: '{n} 条路线', done: '{done}/{total} 个点', ahead: '未开始', running: '进行中', finished: '已完成', missed: '有漏点', window: '时段', grid: '网格', low: '{n} 次打卡需人工复核', grade: '到场可信度 {n}', empty: '今天没有路线', unvisited: '未到', visited: '{time} {who}', summary: '已走 {done}/{total} 个点', counts: '有效', notCounts: '不计入',
    why: { 'no-photo': '没有照片', 'out-of-radius': '不在范围内', 'out-of-window': '不在时段内', inside: '在范围内', photo: '有照片', window: '在时段内', 'inaccurate': '定位不准', continuity: '行程连贯', 'clock-offset': '时钟有偏差', mock: '疑似模拟定位' },
  },
  figures: {
    title: '统计', today: '今天', week: '近 7 天', month: '近 30 天', reported: '上报', filed: '立案', handled: '已处置', closed: '已结', onTime: '按期结案', open: '未结', overdue: '超时', response: '到场用时', responseHint: '立案 → 到场', closing: '结案用时', closingHint: '上报 → 结案', handling: '处置用时', handlingHint: '派遣 → 反馈',
    mean: '平均', median: '中位', p90: '九成内', basis: '依据 {n} 件', none: '还没有可计算的案件', door: '查看这 {n} 件', formula: '口径版本 {v}', opened: '构成“{name}”的案件', target: '参考目标 20 分钟', loops: '办理过程', speed: '快慢', hands: '时间在谁手里', heldSum: '持有合计', held: '经手案件', passed: '推诿', to_and_fro: '来回', lost: '耽误合计',
    quarter: '近 91 天', year: '近一年', rates: '比率（95% 置信区间）', lines: '分项', by: '按什么分', rate: '比率', interval: '{low}–{high} %，{of} / {among} 件', noBasis: '没有可计的案件', intervals: '按案件数排列；区间重叠的不分高下，竖线为全体', report: '报表', period: '期间', definitions: '口径版本', made: '生成时间', reports: '定期报表', noReports: '还没有生成报表；每期到时自动生成',
    cut: { department: '部门', matter: '事项', grid: '网格', person: '人员', source: '来源', day: '日', week: '周', month: '月', daykind: '日型' }, kind: { workday: '工作日', weekend: '周末', holiday: '节假日' }, count: { reported: '上报', filed: '立案', due: '应结', closed: '结案', rework: '返工', suspended: '挂账' },
  },
  system: {
    title: '系统', parts: '各部分', ok: '正常', degraded: '降级', down: '停止', lag: '积压 {n} 条', quarantine: '隔离区', quarantineHint: '不能使用的数据不会丢失：原样保存并注明原因，修复后可重放。', empty: '隔离区是空的', cause: '原因', device: '设备', count: '条数', first: '最早', last: '最近', replay: '重放', replayed: '已重放 {n} 条', entries: '内容', payload: '原文', forbidden: '只有管理员和安装人员可以查看隔离区', at: '时间', done: '已重放',
  },
  failure: {
    title: '最近一次读取失败', 'line-down': '线路不通', timeout: '没有应答', damaged: '应答损坏', exception: '拒绝读取（{code}）', unfit: '值不合格',
    'line-downWhy': '串口或网络连接打不开：检查网关到设备的线路、转换器和供电。', timeoutWhy: '线路是通的，但设备没有应答：检查设备供电、地址和接线。', damagedWhy: '设备有应答，但内容损坏：检查接地、屏蔽、终端电阻和地址冲突。', exceptionWhy: '设备在应答，但拒绝读取：检查型号文件与设备固件是否相符。', unfitWhy: '设备应答的内容不能用作读数：检查型号文件的寄存器、字序和变比。', otherWhy: '网关这样报告：{code}',
  },
  gateway: {
    title: '网关', needs: '{n} 台需要处理', fine: '全部正常', none: '还没有网关', failed: '读不到网关列表：{why}', id: '网关', state: '连接', online: '已连接', offline: '未连接', never: '从未连接', wants: '要处理', software: '程序与配置', runs: '运行配置 {hash}', since: '{at} 起', up: '运行', upProgram: '程序已运行 {span}', upMachine: '主机已运行 {span}', backlog: '积压', readings: '{n} 条待送达', clock: '时钟', clockRight: '准确', ahead: '快 {span}', behind: '慢 {span}', owner: '设备文件', ownedBygateway: '在网关上', ownedByhub: '由中心下发', devices: '设备', retired: '另有 {n} 台已拆，数据未送完', silent: '{n} 台没有读数', faults: '故障',
    needOffline: '查网络和供电', needRemark: '改正设备文件', needFault: '{cause}故障', needClock: '校准时钟', needBacklog: '积压过多，查网络', needUnknown: '等待首次接入',
  },
  audit: {
    title: '审计日志', hint: '谁做了什么、看了谁。只能追加，不能修改；每一条都含前一条的摘要，最新一条每 10 秒签名一次。', who: '操作人', act: '操作', subject: '对象', at: '时间', from: '来源', detail: '说明', n: '序号', any: '全部操作', looks: '查看', all: '不限', day: '24 小时内', week: '7 天内', month: '30 天内', since: '时间范围', export: '导出', exportHint: '含签名，用 hub verify 可离线核对', check: '核对全链', checking: '正在核对…', sound: '完整：第 {first}–{last} 条与写入时一致，{at} 已签名', unsigned: '完整：第 {first}–{last} 条与写入时一致，尚未签名', broken: '不完整：{what}', changed: '第 {n} 条与写入时不一致', missing: '从第 {n} 条起缺失', moved: '第 {n} 条不在自己的位置上', brokenAt: '第 {n} 条与前一条衔接不上', head: '签名无效', cut: '第 {n} 条记载：更早的日志曾被截断', more: '更早的', none: '没有符合条件的记录', failed: '读不到审计日志：{why}', refused: '未完成（{code}）', anyone: '未登录者', system: '系统', console: '命令行', filterWho: '账号或人员编号', filterSubject: '人员、设备、案件编号',
  },
  auditFlag: { true: '是', false: '否' },
  auditKey: { scopes: '范围', disabled: '停用', provider: '外部登录', deputy: '代理人', dry: '试运行', bytes: '字节', from: '从', to: '至', until: '至', kind: '类别', roles: '角色', person: '人员', vehicle: '车辆', control: '控制项', value: '值', command: '指令', what: '动作', cause: '原因', detail: '内容', serial: '证书号', on: '在岗', evidence: '含原件', peer: '来自', hash: '摘要', error: '错误', left_out: '未记的条数' },
  act: {
    session: { begin: '登录', refuse: '登录被拒', end: '退出登录' }, access: { refuse: '越权被拒' }, setup: { claim: '首次认领中心', refuse: '认领被拒' },
    account: { put: '新增或修改账号', change: '修改账号', password: '更改自己的密码', 'password-reset': '重设密码', 'second-factor': '启用第二因素', 'second-factor-remove': '关闭自己的第二因素', 'second-factor-reset': '清除第二因素', 'sessions-end': '结束全部登录' }, absence: { set: '登记缺勤', end: '结束缺勤' }, people: { import: '导入人员' }, terminal: { bind: '绑定手持终端' }, duty: { set: '上岗或离岗' }, track: { look: '查看人员轨迹' }, camera: { watch: '查看摄像头' }, reporter: { look: '查看反映人信息' }, evidence: { look: '查看证据原件' },
    device: { maintain: '设置维护', give: '绑定设备使用者', command: '下发设备指令', replace: '更换设备', declare: '登记控制项', withdraw: '删除控制项', refuse: '设备接入或发布被拒' },
    identity: { add: '登记接入身份', invite: '生成接入码', enrol: '换取证书', renew: '更新证书', revoke: '吊销身份', secret: '更换密钥', refuse: '换取证书被拒' },
    recording: { begin: '开始录制', play: '回放录制' }, seal: { read: '下载案卷', 'read-redacted': '下载脱敏案卷' }, hotline: { import: '导入热线工单' }, quarantine: { replay: '重放隔离数据' }, history: { export: '导出历史数据' }, backup: { make: '备份' },
    'command-key': { prepare: '准备新指令密钥', rotate: '更换指令密钥', forget: '停用旧指令密钥' },
    audit: { begin: '审计日志开始签名', cut: '审计日志曾被截断', look: '查看审计日志', export: '导出审计日志' },
  },
  identity: {
    title: '允许接入的网关和设备', hint: '新网关用一次性接入码换取证书：先生成接入码，再在网关上执行下面显示的命令。', id: '编号', kind: '类别', gateway: '网关', sensor: '传感器', partner: '合作方', state: '状态', online: '已连接', offline: '未连接', revoked: '已吊销', certificate: '证书有效期至', secret: '使用密钥，没有证书', left: '剩 {n} 天', over: '已到期', newId: 'gw-cabinet-3', invite: '生成接入码', again: '新接入码', code: '{id} 的接入码，{time} 前有效，只显示一次', say: '在网关上执行', copy: '复制', copied: '已复制', revoke: '吊销', revokeTitle: '吊销 {id}？', revokeHint: '连接立即中断，之后只能用新的接入码恢复。', none: '还没有网关', forbidden: '只有管理员、安装人员和审计员可以查看接入名单',
  },
  part: {
    journal: '数据日志', broker: '设备接入', history: '历史库', 'consumer history': '写入历史库', 'consumer rules': '规则判断', 'consumer live': '实时画面', 'consumer quarantine': '隔离', 'consumer ledger': '数据账本', 'consumer commands': '指令跟踪', calendar: '工作日历', archive: '案卷归档', backup: '备份', reports: '定期报表', devices: '传感器与网关', 'consumer health': '设备故障判断',
  },
  overview: { title: '今日概况', hint: '在地图或列表中选择案件、人员或设备。', now: '现在最要紧', calm: '没有需要立即处理的事', forces: '在岗力量', keys: '快捷键', keySearch: '搜索', keyMove: '上一条 / 下一条', keyOpen: '打开', keyDispatch: '派给最近的人', keyCall: '呼叫处理人', keyClose: '关闭' },
  call: {
    audio: '语音通话', video: '视频通话', ringing: '正在呼叫 {who}…', incoming: '{who} 来电', live: '通话中', accept: '接听', decline: '拒绝', hangup: '挂断', mute: '静音', unmute: '取消静音', camera: '摄像头', noCamera: '关闭摄像头', busy: '对方正忙', 'timed-out': '无人接听', missed: '未接', cancelled: '已取消', joined: '已加入', left: '已离开', declined: '对方拒接', unreachable: '终端不在线', ended: '通话已结束', resuming: '信号中断，正在恢复…', lost: '通话中断',
    none: '没有通话', emptyHint: '指挥中心来电会覆盖整个屏幕并响铃、振动。', told: { always: '本次通话将被录音录像，作为案件证据保存。', 'on-demand': '本次通话可能被录音录像。' }, centre: '指挥中心', staff: '工作人员 {id}', history: '最近通话', failed: '呼叫没有成功：{why}', unavailable: '通话服务未接通', micDenied: '麦克风被拒绝，请在浏览器设置中允许', elsewhere: '已在其他设备接听', you: '我', toCentre: '呼叫指挥中心', back: '回拨',
  },
  play: {
    title: '通话录音录像', play: '播放', pause: '暂停', failed: '此片段无法播放', nothing: '此时没有录到', sound: '只有声音', time: '时间', noPlace: '没有位置', audited: '每次播放都会记入审计。', chain: '{n} 条记录，{announced} 已告知，链尾',
  },
  missing: { lost: '信号丢失', away: '未发送', restart: '录制中断', behind: '磁盘过慢' },
  recording: { recording: '正在录制', complete: '完整', erased: '已按期删除' },
  called: {
    recorded: '录制完成', created: '呼叫', ringing: '对方振铃', unreachable: '终端不在线', accepted: '接听', declined: '拒接', busy: '正忙', 'timed-out': '无人接听', elsewhere: '在其他设备接听', left: '挂断', resuming: '信号中断', resumed: '恢复通话', lost: '通话中断', ended: '通话结束',
  },
  talk: {
    title: '对讲', group: '对讲组', none: '未加入对讲组', choose: '选择对讲组后按住说话', joining: '正在加入…', connecting: '正在接通声音…', hold: '按住说话', space: '空格', asked: '请稍候…', waiting: '排队中', speaking: '请讲', again: '松开后重按',
    you: '您正在讲话 {time}', speaks: '{who} 正在讲话', waits: '前面还有人，排在第 {n} 位', free: '频道空闲', present: '{n} 人在线，共 {of} 人', replay: '补听 {who} · {time}前', skip: '跳过 {n} 段', revoke: '收回话权', heard: '{time} 的讲话已收听：{who}', unheard: '{time} 的讲话还没有人收听', elsewhere: '{n} 个组有未听讲话',
    kind: { case: '案件', dept: '部门', grid: '网格' },
    why: { preempted: '已被更高级别接管，请松开后重按', 'timed-out': '讲话已到时限，请松开后重按', revoked: '话权已被中心收回', gone: '连接中断', full: '排队的人太多，请稍后再试', busy: '请稍后再试', stale: '请重按', 'let-go': '已结束', 'not-present': '正在重新加入，请重按', forbidden: '您已不在此组' },
  },
  sos: { stands: '求助中', own: '求助已送达中心，已呼叫附近 {n} 人。由中心解除。', help: '{who} 求助，距您 {far}，请立即前往', pulled: '已呼叫 {who}', nobody: '附近没有可以呼叫的在岗人员', join: '加入对讲', end: '结束求助', endHint: '只有中心可以结束，原因写入案件。' },
  path: {
    title: '通话检测', hint: '上岗前检测一次，约半分钟。', start: '开始检测', running: '正在检测…', microphone: '麦克风', micHint: '将请求使用麦克风', micSpeak: '请说一句话，绿条应随声音变化', micHeard: '听到声音，正常', micFix: '没有麦克风，或被拒绝：请在浏览器的网站设置中允许麦克风', level: '音量', camera: '摄像头', camHint: '应看到画面', camFix: '没有摄像头，或被拒绝：请在网站设置中允许摄像头', speaker: '扬声器', tone: '放提示音', toneHint: '应听到三声', toneYes: '听到了', toneNo: '没听到', toneFix: '请调高音量，检查静音开关和耳机', link: '与中心的连接', linkGood: '信令已接通', linkFix: '信令未接通：请检查网络或重新登录', took: '{n} 毫秒',
    way: { udp: '直连 UDP', tcp: '直连 TCP', 'turn-udp': '中继 UDP', 'turn-tcp': '中继 TCP', 'turn-tls': '中继 TLS' },
    about: { udp: '最好的路径，延迟最低', tcp: '网络不放行 UDP 时使用', 'turn-udp': '经中心转发', 'turn-tcp': '经中心转发，防火墙较严时使用', 'turn-tls': '与网页相同的加密方式，几乎处处可用' },
    why: { 'no-relay': '中心没有开设这条中继', 'no-answer': '中心没有应答', 'no-way': '不通：被网络或防火墙拦截', 'not-offered': '中心没有开设这条路径' },
    best: '一切正常：通话走最好的路径。', detour: '可以通话，但只能走“{way}”，声音可能延迟。', none: '不能通话：所有路径都不通。请换一个网络再试，并告知管理员。', ask: '请管理员在防火墙放行媒体端口（默认 8189 UDP）；不能放行时启用中继。',
  },
  field: {
    tasks: '任务', patrol: '巡查', call: '通话', me: '我', noTasks: '现在没有任务', noTasksHint: '保持在岗，新任务会响铃并振动。', offDutyHint: '您不在岗，不会收到新任务。', goOnDuty: '现在上岗', others: '其他任务', far: '{n} 米', farKm: '{n} 公里', by: '{time} 前', noPlace: '没有本机位置', details: '详情与过程', back: '返回', where: '现场',
    arrow: '向{dir}', dir: { n: '北', ne: '东北', e: '东', se: '东南', s: '南', sw: '西南', w: '西', nw: '西北' }, photoFirst: '先拍：{list}', retake: '重拍', use: '使用照片', shoot: '拍照', cameraDenied: '无法打开相机，可从系统相机拍摄', pickFile: '系统相机', photos: '{n} 张照片', waitsBefore: '照片和步骤会在有网时按顺序送出',
    reasonReturn: '回退原因', film: '拍一段视频', returnTask: '回退此任务', reason: '原因', waitingOthers: '已办完，等待其他部门', waiting: '已完成，等待核查', stepQueued: '已记下，等待网络', refusedTitle: '中心没有接受', dismiss: '知道了', done: '已办结', newTask: '新任务', offline: '没有网络', queued: '{n} 项等待送出', sending: '正在送出 {n} 项', photoWaits: '{n} 张照片待传',
    dutyOn: '在岗', dutyOff: '离岗', dutyOnHint: '正在上报位置', dutyOffHint: '不上报位置，不接收任务', position: '定位', positionOk: '精度 ±{n} 米', positionNone: '还没有定位', positionDenied: '定位被拒绝：请在浏览器设置中允许', link: '与中心连接', linkUp: '已连接', linkDown: '未连接', storage: '离线存储', storageKept: '受保护', storagePlain: '可能被系统清理', wake: '屏幕常亮', wakeOn: '已开启', wakeOff: '未开启', wakeUnsupported: '不支持', limits: '网页在锁屏后不能响铃和定位。执勤时请保持屏幕常亮并停留在此页面。', contrast: '高对比度', queue: '等待送出', queueEmpty: '没有等待的内容', terminal: '本机编号', version: '版本',
    sos: 'SOS', sosHold: '按住 2 秒求助', sosHolding: '继续按住…', sosSent: '求助已发出', sosQueued: '求助已记下，一有网络立即发出', sosTitle: 'SOS 人员求助', routes: '我的路线', nextStop: '下一个点', checkIn: '拍照打卡', tooFar: '还有 {far}，走近后打卡', stops: '{done}/{total}', noRoutes: '今天没有我的路线', routeDone: '这条路线已走完', checkedIn: '已打卡', checkInQueued: '已打卡，等待送出', pendingVisit: '待送出', setOff: '出发', watermarkTask: '任务', watermarkPoint: '点位',
    dropped: '离线过久，最早的 {n} 个位置已丢弃', notStaff: '此账号不是在册人员，不能绑定终端', lookAt: '查看内容', signalLost: '未取得位置，请到开阔处',
  },
}
