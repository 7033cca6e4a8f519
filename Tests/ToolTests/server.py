#!/usr/bin/env python3
"""A web server on loopback that misbehaves as asked: python3 server.py FOLDER PORTFILE

/plain/F    the file F of FOLDER, ranges too       /cut/F      half of what is asked for, then the connection ends
/whole/F    the file, never a part of it           /once/F     cut the first time, then as plain
/stall/F    half of it, then nothing ever          /busy/F     503 always
/drip/F     slowly, but steadily                   anything else: 404
"""
import http.server
import os
import sys
import time

FOLDER, PORT_FILE = sys.argv[1:3]
seen = set()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        # A proxy is asked for whole addresses.
        path = self.path.split("example.invalid")[-1]
        way, _, name = path.lstrip("/").partition("/")
        path = os.path.join(FOLDER, os.path.basename(name))
        if way == "busy":
            return self.send_error(503)
        if way not in ("plain", "cut", "once", "whole", "stall", "drip") or not os.path.exists(path):
            return self.send_error(404)
        with open(path, "rb") as file:
            data = file.read()
        start, wanted = 0, self.headers.get("Range", "")
        if wanted.startswith("bytes=") and way != "whole":
            start = int(wanted[6:].split("-")[0])
            if start >= len(data):
                return self.send_error(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        data = data[start:]
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            if way == "drip":
                for index in range(0, len(data), 1 + len(data) // 6):
                    self.wfile.write(data[index:index + 1 + len(data) // 6])
                    self.wfile.flush()
                    time.sleep(0.4)
                return
            if way in ("cut", "stall") or (way == "once" and name not in seen):
                seen.add(name)
                self.wfile.write(b"" if way == "stall" and start else data[:(len(data) + 1) // 2])
                self.wfile.flush()
                if way == "stall":
                    time.sleep(20)
                self.close_connection = True
                return
            self.wfile.write(data)
        except OSError:
            pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *arguments):
        pass  # clients leave without a word


server = Server(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(PORT_FILE + ".new", "w") as file:
    file.write(str(server.server_port))
os.rename(PORT_FILE + ".new", PORT_FILE)
server.serve_forever()
