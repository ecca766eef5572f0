import { ref } from 'vue'

const longest = 1920 // pixels: enough to read a number plate, light enough for a bad network

/** useCamera opens the camera at the back, and makes a JPEG of what it shows. */
export function useCamera() {
  const denied = ref(false)
  let stream: MediaStream | null = null

  async function open(video: HTMLVideoElement): Promise<void> {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: { ideal: 'environment' }, width: { ideal: longest }, height: { ideal: 1440 } } })
      video.srcObject = stream
      await video.play()
    } catch {
      denied.value = true
    }
  }

  function shoot(video: HTMLVideoElement): Promise<Blob> {
    const part = Math.min(1, longest / Math.max(video.videoWidth, video.videoHeight))
    const canvas = document.createElement('canvas')
    canvas.width = Math.round(video.videoWidth * part)
    canvas.height = Math.round(video.videoHeight * part)
    canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height)
    return new Promise((resolve, reject) => {
      canvas.toBlob((b) => (b ? resolve(b) : reject(new Error('no picture'))), 'image/jpeg', 0.85)
    })
  }

  function close(): void {
    for (const track of stream?.getTracks() ?? []) track.stop()
    stream = null
  }

  return { denied, open, close, shoot }
}
