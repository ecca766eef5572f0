// MapLibre in its build for strict policies: the worker is a file of our own,
// no blob and no eval.
import maplibregl from 'maplibre-gl/dist/maplibre-gl-csp'
import worker from 'maplibre-gl/dist/maplibre-gl-csp-worker?url'
import 'maplibre-gl/dist/maplibre-gl.css'

maplibregl.setWorkerUrl(worker)

export default maplibregl
export type { Map as MapLibre, GeoJSONSource, StyleSpecification, LayerSpecification, ExpressionSpecification } from 'maplibre-gl'
