// What the handheld keeps while there is no network, in IndexedDB.

export const stores = ['outbox', 'photos', 'uplink', 'kept'] as const
export type StoreName = (typeof stores)[number]

const version = 1

function promised<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** Store is a database on the handheld. Every method is one transaction. */
export class Store {
  private constructor(private db: IDBDatabase) {}

  static async open(name = 'gridhub-field'): Promise<Store> {
    const request = indexedDB.open(name, version)
    request.onupgradeneeded = () => {
      const db = request.result
      db.createObjectStore('outbox', { keyPath: 'n', autoIncrement: true })
      db.createObjectStore('photos')
      db.createObjectStore('uplink', { keyPath: 'seq' })
      db.createObjectStore('kept')
    }
    return new Store(await promised(request))
  }

  private store(name: StoreName, mode: IDBTransactionMode): IDBObjectStore {
    // strict: the promise resolves when the bytes are on disk, as far as the phone tells
    return this.db.transaction(name, mode, { durability: 'strict' }).objectStore(name)
  }

  get<T>(name: StoreName, key: IDBValidKey): Promise<T | undefined> {
    return promised(this.store(name, 'readonly').get(key) as IDBRequest<T | undefined>)
  }

  all<T>(name: StoreName, most?: number): Promise<T[]> {
    return promised(this.store(name, 'readonly').getAll(null, most) as IDBRequest<T[]>)
  }

  count(name: StoreName): Promise<number> {
    return promised(this.store(name, 'readonly').count())
  }

  async put(name: StoreName, value: unknown, key?: IDBValidKey): Promise<IDBValidKey> {
    const store = this.store(name, 'readwrite')
    const done = finished(store.transaction)
    const answer = promised(store.put(value, key))
    await done
    return answer
  }

  async delete(name: StoreName, key: IDBValidKey | IDBKeyRange): Promise<void> {
    const store = this.store(name, 'readwrite')
    store.delete(key)
    await finished(store.transaction)
  }

  /** first returns the keys of the oldest entries. */
  first(name: StoreName, most: number): Promise<IDBValidKey[]> {
    return promised(this.store(name, 'readonly').getAllKeys(null, most))
  }
}

function finished(t: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    t.oncomplete = () => resolve()
    t.onerror = t.onabort = () => reject(t.error ?? new Error('the phone could not store it'))
  })
}
