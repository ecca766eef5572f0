#!/usr/bin/python3
"""Two RTSP servers with pictures that GStreamer makes. The first serves /good
and /bframes to everybody, the second /secret to user "viewer" with password
"p@ss:word". Prints their ports and serves until its standard input ends."""
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer

PICTURES = (
    "( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=25/1 "
    "! x264enc speed-preset=ultrafast bitrate=500 key-int-max=50 bframes=%d b-adapt=false byte-stream=true "
    "! video/x-h264,profile=%s ! rtph264pay name=pay0 pt=96 config-interval=0 mtu=1400 )"
)


def serve(mounts, auth=None):
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    if auth:
        server.set_auth(auth)
    for path, pipeline in mounts.items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(pipeline)
        factory.set_shared(True)
        if auth:
            may = "user, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
            factory.add_role_from_structure(Gst.Structure.new_from_string(may))
        server.get_mount_points().add_factory(path, factory)
    server.attach(None)
    return server


def viewers():
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic("viewer", "p@ss:word"), token)
    return auth


Gst.init(None)
baseline = PICTURES % (0, "constrained-baseline")
everybody = serve({"/good": baseline, "/bframes": PICTURES % (2, "main")})
some = serve({"/secret": baseline}, viewers())
print(everybody.get_bound_port(), some.get_bound_port(), flush=True)
loop = GLib.MainLoop()


def until_closed():
    sys.stdin.read()
    loop.quit()


threading.Thread(target=until_closed, daemon=True).start()
loop.run()
