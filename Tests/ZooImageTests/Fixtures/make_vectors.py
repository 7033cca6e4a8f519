"""Prints the vectors of ResizeTests.swift: CRC-32 of what Pillow makes of a seeded picture. Needs numpy and pillow."""
import numpy as np, json, sys
from PIL import Image
# pixels by an LCG, so that the test can make the same source
def source(w,h):
    s=1;out=[]
    for _ in range(w*h*3):
        s=(s*1664525+1013904223)&0xffffffff; out.append(s>>24)
    return np.array(out,np.uint8).reshape(h,w,3)
def crc(a):
    import zlib; return zlib.crc32(a.tobytes())
rows=[]
for (w,h,W,H) in [(17,13,8,5),(17,13,40,31),(64,48,17,23),(5,7,5,3),(9,9,4,9),(31,3,7,7)]:
    for name,f in [("box",Image.BOX),("bilinear",Image.BILINEAR),("bicubic",Image.BICUBIC)]:
        rows.append((w,h,W,H,name,crc(np.asarray(Image.fromarray(source(w,h)).resize((W,H),f)))))
for r in rows: print('    (%d, %d, %d, %d, .%s, 0x%08X),'%r)
