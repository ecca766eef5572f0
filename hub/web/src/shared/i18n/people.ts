// The words of people, accounts and signing in.
export const zh = {
  people: {
    title: '人员', accounts: '账号', count: '{n} 人', filter: '按姓名、编号、网格、技能筛选…', allDepartments: '全部部门', allForces: '全部队伍', onDuty: '在岗', offDuty: '离岗', absent: '缺勤', everybody: '全部',
    person: '人员', force: '队伍', department: '部门', grids: '网格', skills: '技能', state: '状态', street: '全街道', none: '没有符合条件的人', deputyIs: '由 {who} 代', until: '至 {time}', from: '{time} 起',
    absence: '登记缺勤', absenceOf: '{who}：登记缺勤', reason: '原因', begin: '开始', end: '结束', deputy: '代理人', noDeputy: '无人代理：不能派单给本人', endAbsence: '提前结束', note: '备注',
    import: '导入人员', importHint: '先试读：逐行列出会新增、修改什么，哪一格不对。确认后才写入；同一张表再次导入不会改变任何内容。', template: '下载模板', choose: '选择 XLSX 或 CSV 文件', check: '试读', write: '写入 {n} 人', would: '新增 {added}，修改 {changed}，不变 {same}', wrote: '已写入：新增 {added}，修改 {changed}，不变 {same}', faults: '{n} 处不能用', row: '行', column: '列', value: '值', want: '应为', save: '保存',
  },
  absence: { leave: '休假', sick: '病假', training: '培训', errand: '公出', other: '其他' },
  account: {
    new: '新建账号', name: '账号', person: '人员编号', roles: '角色与范围', second: '二次验证', secondOn: '已启用', secondOff: '未启用', state: '状态', active: '可登录', disabled: '已停用', provider: '统一认证登录', password: '初始密码', newPassword: '新密码（至少 12 位）', edit: '修改', title: '账号 {name}',
    addScope: '加范围', disable: '停用：立即退出所有登录', resetPassword: '重设密码', resetSecond: '重置二次验证', endSessions: '退出所有登录', sessions: '登录中 {n}', done: '已完成', scopeHint: '不写范围即全街道（处置人员：本人经办）', filter: '筛选账号…', none: '没有账号',
  },
  role: { viewer: '浏览', 'call-taker': '受理员', dispatcher: '派遣员', handler: '处置人员', checker: '核查员', head: '部门负责人', auditor: '审计员', admin: '管理员', partner: '共建单位', installer: '安装人员' },
  skill: { gas: '燃气', fire: '消防', electric: '电工', water: '水务', manhole: '井盖', traffic: '交通', noise: '噪声', mediation: '调解', enforcement: '执法', air: '空气', 'first-aid': '急救', 'elderly-care': '养老照护' },
  scope: { street: '全街道', own: '本人经办', department: '部门 {name}', grid: '网格 {name}' },
  mine: {
    title: '账号与登录', password: '修改密码', old: '当前密码', change: '修改，并退出其他登录', changed: '密码已修改，其他登录已退出', wrongOld: '当前密码不对',
    second: '二次验证', secondHint: '登录时除密码外，再输入手机验证器上的 6 位数字。', secondOn: '已启用', setUp: '启用', scan: '用验证器应用扫描，或手工输入密钥', code: '6 位数字', confirm: '确认', wrongCode: '数字不对，或已用过', remove: '停用二次验证',
    recovery: '恢复码：每个只能用一次。现在抄下或打印，之后不再显示。', saved: '我已保存', needed: '您的角色要求二次验证，启用后才能继续。', sessions: '我在哪里登录', here: '本窗口', seen: '最近使用 {time}', end: '退出', endOthers: '退出其他所有登录', oidc: '统一认证', byPassword: '密码',
  },
  oidc: { with: '用{name}登录', down: '统一认证暂时联系不上，请用账号密码登录', nobody: '统一认证已确认您的身份，但这里没有您的账号，请联系管理员', failed: '统一认证登录没有成功，请再试一次', or: '或' },
}

export const en: typeof zh = {
  people: {
    title: 'People', accounts: 'Accounts', count: '{n} people', filter: 'Filter by name, number, grid, skill…', allDepartments: 'All departments', allForces: 'All forces', onDuty: 'On duty', offDuty: 'Off duty', absent: 'Absent', everybody: 'Everybody',
    person: 'Person', force: 'Force', department: 'Department', grids: 'Grids', skills: 'Skills', state: 'State', street: 'the whole street', none: 'Nobody fits', deputyIs: '{who} stands in', until: 'until {time}', from: 'from {time}',
    absence: 'Absence', absenceOf: 'Absence of {who}', reason: 'Reason', begin: 'From', end: 'Until', deputy: 'Deputy', noDeputy: 'Nobody: no orders can be sent', endAbsence: 'End it', note: 'Note',
    import: 'Import staff', importHint: 'It is read first: what would be added or changed, and every cell that is wrong. Nothing is written before you say so; the same table again changes nothing.', template: 'Template', choose: 'Choose an XLSX or CSV file', check: 'Read it', write: 'Write {n}', would: '{added} new, {changed} changed, {same} the same', wrote: 'Written: {added} new, {changed} changed, {same} the same', faults: '{n} cells cannot be used', row: 'Row', column: 'Column', value: 'Value', want: 'Wanted', save: 'Save',
  },
  absence: { leave: 'leave', sick: 'ill', training: 'training', errand: 'errand', other: 'other' },
  account: {
    new: 'New account', name: 'Account', person: 'Staff number', roles: 'Roles and scopes', second: 'Second factor', secondOn: 'on', secondOff: 'off', state: 'State', active: 'active', disabled: 'disabled', provider: 'Signs in at the identity provider', password: 'First password', newPassword: 'New password (12 or more)', edit: 'Change', title: 'Account {name}',
    addScope: 'Add a scope', disable: 'Disabled: all sessions end at once', resetPassword: 'Set password', resetSecond: 'Reset second factor', endSessions: 'End all sessions', sessions: '{n} sessions', done: 'Done', scopeHint: 'Without a scope: the whole street (a field worker: the own work)', filter: 'Filter accounts…', none: 'No account',
  },
  role: { viewer: 'Viewer', 'call-taker': 'Call-taker', dispatcher: 'Dispatcher', handler: 'Field worker', checker: 'Checker', head: 'Head', auditor: 'Auditor', admin: 'Administrator', partner: 'Partner', installer: 'Installer' },
  skill: { gas: 'gas', fire: 'fire', electric: 'electric', water: 'water', manhole: 'manholes', traffic: 'traffic', noise: 'noise', mediation: 'mediation', enforcement: 'enforcement', air: 'air', 'first-aid': 'first aid', 'elderly-care': 'elderly care' },
  scope: { street: 'whole street', own: 'own work', department: 'department {name}', grid: 'grid {name}' },
  mine: {
    title: 'Account and sessions', password: 'Change password', old: 'Present password', change: 'Change, and end other sessions', changed: 'The password is changed, other sessions have ended', wrongOld: 'The present password is wrong',
    second: 'Second factor', secondHint: 'At sign-in, six digits from an authenticator app beside the password.', secondOn: 'on', setUp: 'Set up', scan: 'Scan it with an authenticator app, or type the key', code: 'Six digits', confirm: 'Confirm', wrongCode: 'Wrong digits, or used already', remove: 'Do without a second factor',
    recovery: 'Recovery codes: each works once. Write them down now; they are not shown again.', saved: 'I have kept them', needed: 'Your role needs a second factor. Set it up to go on.', sessions: 'Where I am signed in', here: 'this window', seen: 'used {time}', end: 'End', endOthers: 'End all others', oidc: 'identity provider', byPassword: 'password',
  },
  oidc: { with: 'Sign in with {name}', down: 'The identity provider does not answer. Sign in with your password.', nobody: 'You are known there, but have no account here. Ask an administrator.', failed: 'That did not work. Try once more.', or: 'or' },
}
