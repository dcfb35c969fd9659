#!/bin/busybox sh
# The first program in the VM: brings up a writable view of the machine's own / and starts /out/start on it. The kernel's
# command line says where the kernel's modules are ($tree), and their version ($version).
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
mount -t sysfs sys /sys
for module in $(cat /modules/order); do insmod "/modules/$module"; done

share=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o "$share,cache=loose,ro" root /lower
mount -t tmpfs -o size=75% writes /upper
mkdir /upper/files /upper/work /upper/root
root=/upper/root
mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work overlay $root

for directory in proc sys dev; do mount --move /$directory $root/$directory; done
cd $root
mkdir -p dev/pts dev/shm lib/modules out
mount -t devpts pts dev/pts
mount -t tmpfs shm dev/shm
mount -t tmpfs run run
mount -t cgroup2 cgroup sys/fs/cgroup
ln -sfn "$tree/lib/modules/$version" "lib/modules/$version"
ln -sfn /proc/self/fd dev/fd
mount -t 9p -o "$share" out out
exec switch_root . /out/start
