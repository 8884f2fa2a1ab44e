#!/usr/bin/env bash
# A Slurm of this machine alone, all of it in one folder, for tests.
# usage: slurm_up.sh STATE_DIR     env: NODES=2 SLOTS=16 PORT=16817; prints the export line to eval
set -euo pipefail
S=$(realpath -m "$1"); NODES=${NODES:-2}; SLOTS=${SLOTS:-16}; PORT=${PORT:-16817}
H=$(hostname -s); MEM=$(( $(awk '/MemTotal/{print $2}' /proc/meminfo) / 1024 / NODES - 256 ))
install -d -m 755 "$S" "$S/ctl" "$S/log"; install -d -m 755 -o munge -g munge "$S/munge"
[ -s "$S/munge/key" ] || { head -c 1024 /dev/urandom > "$S/munge/key"; chown munge:munge "$S/munge/key"; chmod 400 "$S/munge/key"; }
cat > "$S/slurm.conf" <<CONF
ClusterName=mcemu
SlurmctldHost=$H(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$S/munge/sock
SlurmctldPort=$PORT
StateSaveLocation=$S/ctl
SlurmdSpoolDir=$S/spool.%n
SlurmctldPidFile=$S/slurmctld.pid
SlurmdPidFile=$S/slurmd.%n.pid
SlurmctldLogFile=$S/log/slurmctld.log
SlurmdLogFile=$S/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0
SlurmdParameters=config_overrides
MaxArraySize=100001
MaxJobCount=200000
ReturnToService=2
NodeName=n[1-$NODES] NodeHostname=$H NodeAddr=127.0.0.1 Port=[$((PORT+1))-$((PORT+NODES))] CPUs=$SLOTS RealMemory=$MEM State=UNKNOWN
PartitionName=fault Nodes=n[1-$NODES] Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$S/slurm.conf"
setpriv --reuid=munge --regid=munge --clear-groups munged --key-file="$S/munge/key" --socket="$S/munge/sock" \
  --pid-file="$S/munge/pid" --log-file="$S/munge/log" --seed-file="$S/munge/seed"
slurmctld -f "$SLURM_CONF"
for n in $(seq "$NODES"); do install -d "$S/spool.n$n"; slurmd -f "$SLURM_CONF" -N "n$n"; done
for _ in $(seq 150); do
  [ "$(sinfo -h -N -o %T 2>/dev/null | grep -c '^idle$')" = "$NODES" ] && { echo "export SLURM_CONF=$SLURM_CONF"; exit 0; }
  sleep 0.1
done
echo "slurm did not come up; see $S/log" >&2; exit 1
