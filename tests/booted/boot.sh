#!/bin/bash
# Boots systemd as process 1 of its own namespaces, over an overlay of this machine's files: nothing
# that happens inside is seen outside, but the network is this machine's.
#   boot.sh SCRATCH CGROUP CLONE: an empty folder, an empty cgroup (v2), and what is shown as /clone
set -euo pipefail
export scratch=$1 cgroup=$2 clone=$3
echo $$ >"$cgroup/cgroup.procs"
exec unshare --mount --pid --uts --ipc --cgroup --fork --kill-child bash -euo pipefail -c '
mount --make-rprivate /
mount -t tmpfs tmpfs "$scratch"
root=$scratch/root
mkdir "$scratch/upper" "$scratch/work" "$root"
mount -t overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$root"

mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for folder in dev run tmp; do mount -t tmpfs tmpfs "$root/$folder"; done
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
mkdir "$root/dev/shm" "$root/dev/pts" "$root/clone"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount --bind "$clone" "$root/clone"

# Nothing of this machine is started, and nothing is enabled as on a first boot.
rm -rf "$root"/{etc,lib}/systemd/system/*.{wants,requires} "$root"/etc/systemd/system/*.service
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
cat >"$root/etc/systemd/system/booted.target" <<UNIT
[Unit]
Requires=basic.target systemd-journald.service
After=basic.target systemd-journald.service
UNIT

cd "$root"
mkdir old
pivot_root . old
umount -l /old
# Credentials are mounted by a helper, and must be seen by all.
mount --make-rshared /
exec env -i container=lxc PATH=/usr/bin:/bin:/usr/sbin:/sbin TERM=dumb \
  /lib/systemd/systemd --system --unit=booted.target --show-status=false --log-target=console
'
