// The service worker of a face: the page starts without a network. It
// answers for the page's own files only; data is kept by the page itself.
const face = '@face@'
const version = '@version@'
const files = ['@files@']
const cacheName = `${face}-${version}`

self.addEventListener('install', (e) => {
  e.waitUntil(caches.open(cacheName).then((c) => c.addAll(files)).then(() => self.skipWaiting()))
})

self.addEventListener('activate', (e) => {
  const old = (names) => names.filter((n) => n.startsWith(`${face}-`) && n !== cacheName)
  e.waitUntil(caches.keys().then((names) => Promise.all(old(names).map((n) => caches.delete(n)))).then(() => self.clients.claim()))
})

// Hashed files never change: the cache first. The page itself: the network
// first, so that a new version arrives, and the cache when there is none.
self.addEventListener('fetch', (e) => {
  const url = new URL(e.request.url)
  if (e.request.method !== 'GET' || url.origin !== self.location.origin) return
  if (url.pathname.startsWith('/assets/') || url.pathname.startsWith(`/${face}/assets/`)) e.respondWith(cached(e.request))
  else if (e.request.mode === 'navigate') e.respondWith(network(e.request))
  else if (files.includes(url.pathname)) e.respondWith(cached(e.request))
})

async function cached(request) {
  return (await caches.match(request, { ignoreSearch: true })) ?? fetch(request)
}

async function network(request) {
  try {
    const answer = await Promise.race([fetch(request), new Promise((_, late) => setTimeout(late, 4000))])
    if (answer.ok) return answer
  } catch {
    // no network: what was cached
  }
  return (await caches.match(`/${face}/`)) ?? Response.error()
}
