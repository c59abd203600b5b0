import { totalmem } from "node:os"

/** One cluster on this machine: all of its files in one folder, all of its ports on loopback. */
export interface Cluster {
  readonly fsid: string
  readonly monPort: number
  readonly s3Port: number
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** Where the data folder is seen inside Ceph's root folder. */
const inside = "/mnt"

/** The ceph.conf of a monitor, one memory-backed OSD and a RADOS gateway, for tests: nothing survives, everything is quick. */
export function cephConf({ fsid, monPort, s3Port }: Cluster): string {
  return `[global]
fsid = ${fsid}
mon_initial_members = a
mon_host = [v2:127.0.0.1:${monPort}/0]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr1 = false
ms_bind_ipv6 = false

auth_cluster_required = none
auth_service_required = none
auth_client_required = none
# Without keys there is no secure mode, which clients of the monitor would insist on: radosgw would hang.
ms_mon_client_mode = crc

run_dir = ${inside}
admin_socket = ${inside}/$name.$pid.asok
pid_file = ${inside}/$name.pid
log_file = ${inside}/$name.log
crash_dir = ${inside}
keyring = ${inside}/keyring
mon_data = ${inside}/mon
osd_data = ${inside}/osd
rgw_data = ${inside}/rgw

osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
rgw_rados_pool_pg_num_min = 1
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 2000
# A monitor on a disk that is nearly full would end.
mon_data_avail_crit = 0
osd_crush_chooseleaf_type = 0

# There is one monitor: nobody else's proposal is worth waiting for. The defaults make a start take 12 s.
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
# A request for a pool whose OSD is not up yet waits for its client's next tick, 5 s away by default.
objecter_tick_interval = 0.25

osd_objectstore = memstore
memstore_page_set = true
memstore_device_bytes = ${Math.min(8 * 1024 ** 3, Math.floor(totalmem() / 2))}
osd_class_load_list = *
osd_class_default_list = *

rgw_frontends = beast endpoint=127.0.0.1:${s3Port} tcp_nodelay=1
rgw_run_sync_thread = false
rgw_enable_lc_threads = false
rgw_enable_quota_threads = false
rgw_dynamic_resharding = false
rgw_override_bucket_index_max_shards = 1
rgw_num_control_oids = 1
rgw_gc_max_objs = 2
# What was deleted or replaced goes soon, as tests write gigabytes, but not under the reader of a large object.
rgw_gc_obj_min_wait = 20
rgw_gc_processor_period = 5
rgw_gc_processor_max_time = 5

debug_rgw = 0
debug_ms = 0
`
}

/**
 * The first process of the namespaces in which a cluster runs; arguments: Ceph's root folder, the data folder. It ends
 * with its stdin, a pipe from the starter, and the kernel then ends all other processes of the cluster: none of them
 * needs an orderly end. If a command of the start fails, or the gateway ends, it says "failed" on stdout.
 */
export function clusterScript({ fsid, monPort, accessKeyId, secretAccessKey }: Cluster): string {
  return `
root=$1 data=$2
ceph() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C CEPH_CONF=${inside}/ceph.conf "$@"; }
start() (
  set -e
  mount --bind "$data" "$root${inside}"
  mount --rbind /dev "$root/dev"
  mount --bind /proc "$root/proc"
  ceph monmaptool --create --fsid ${fsid} --addv a "[v2:127.0.0.1:${monPort}/0]" ${inside}/monmap
  ceph ceph-mon -i a --mkfs --monmap ${inside}/monmap
  ceph ceph-mon -i a -f &
  ceph timeout 60 ceph osd new ${fsid}
  ceph ceph-osd -i 0 --mkfs --osd-uuid ${fsid}
  ceph ceph-osd -i 0 -f &
  # Ceph's tool was seen to crash (SIGSEGV, 139) once in some hundred starts, after or before it had made the user.
  create() {
    ceph timeout 60 radosgw-admin user create --uid test --display-name test --max-buckets=0 \\
      --access-key ${accessKeyId} --secret-key ${secretAccessKey}
  }
  create || { test $? -eq 139; ceph timeout 60 radosgw-admin user info --uid test || create; }
  ceph radosgw -n client.rgw -f
)
{ start; echo failed >&3; } 3>&1 >"$data/output.log" 2>&1 </dev/null &
exec cat >/dev/null
`
}
