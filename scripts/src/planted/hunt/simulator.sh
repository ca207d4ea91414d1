#!/bin/sh
# Stands in for the simulator in the tests of hunt.rs: --seed N --seeds N --step N; seeds from 7 on fail.
seed=$2
seeds=$4
step=$6
while [ "$seeds" -gt 0 ]; do
    echo "{\"begins\":$seed}"
    if [ "$seed" -ge 7 ]; then
        failure='"log matching at 1.500 s: entry 1 is not the same"'
    else
        failure=null
    fi
    echo "{\"seed\":$seed,\"failure\":$failure}"
    seed=$((seed + step))
    seeds=$((seeds - 1))
done
