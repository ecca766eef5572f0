// Seeing: what colours a part of the screen has, and where.

/**
 * spots finds the pixels of a colour in a picture of an element, as the middle
 * of each cell of 4 × 4 pixels that holds some.
 */
export async function spots(page, element, colour, nearness = 12) {
  const picture = await element.screenshot({ animations: 'allow' })
  const blank = await page.context().newPage()
  try {
    return await blank.evaluate(read, [picture.toString('base64'), colour, nearness])
  } finally {
    await blank.close()
  }
}

async function read([picture, colour, nearness]) {
  const image = new Image()
  image.src = `data:image/png;base64,${picture}`
  await image.decode()
  const canvas = new OffscreenCanvas(image.width, image.height)
  const pen = canvas.getContext('2d')
  pen.fillStyle = colour
  pen.fillRect(0, 0, 1, 1)
  const [r, g, b] = pen.getImageData(0, 0, 1, 1).data
  pen.drawImage(image, 0, 0)
  const { data } = pen.getImageData(0, 0, image.width, image.height)
  const cells = new Set()
  for (let i = 0; i < data.length; i += 4) {
    if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) > nearness) continue
    const at = i / 4
    cells.add(`${Math.floor((at % image.width) / 4)},${Math.floor(at / image.width / 4)}`)
  }
  return [...cells]
}

/** token is the colour that the page's theme gives a name. */
export function token(page, name) {
  return page.evaluate((n) => getComputedStyle(document.documentElement).getPropertyValue(`--${n}`).trim(), name)
}
