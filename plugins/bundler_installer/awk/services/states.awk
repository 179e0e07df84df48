# Reads the lines of list_containers, and from files the table `services` (`expected` lines), the containers `before` the
# start, and in `finished` those that had ended by themselves in the boot of its first line. Writes four lines: services that
# are not ready yet, services that have failed, young containers, services that ended although they must run.

BEGIN {
    while ((getline line < services) > 0) {
        split(line, f, "\t"); name = f[SERVICE["service"]]
        expect[name] = f[SERVICE["expect"]]; order[++n] = name
        # how many the site decides is known to Compose alone
        count = f[SERVICE["replicas"]]; replicas[name] = count ~ /^[0-9]+$/ ? count + 0 : (count ~ /\$/ ? 0 : 1)
    }
    if (n + 0 != expected) exit 1 # with an incomplete list, services that were not checked would count as healthy
    while ((getline line < before) > 0) {
        same[line]
        if (up == "") { split(line, f, " "); old[f[6]] }
    }
    # a container that ended with 0 was stopped, by the operator or with the server, or it was a job and is done
    trusting = (getline mark < finished) <= 0 || mark == boot
    while ((getline line < finished) > 0) done[line]
}
{
    service = $1; state = $2; health = $3; code = $4; restarts = $5; policy = $7; most = $8
    seen[service]++
    wanted = expect[service]
    ended = state == "exited" && (policy == "" || policy == "no" || (policy == "on-failure" && (code == 0 || (most > 0 && restarts >= most))))
    if (wanted == "completed") {
        well = state == "exited" && code == 0
        ill = state == "exited" && code != 0 && (policy != "on-failure" || ended)
    } else {
        well = state == "running" && (health == "healthy" || (health == "none" && wanted ~ /^(running|started)$/))
        if (wanted == "started" && ended && code == 0) well = trusting || ($6 in done)
        # restarts are counted over a container's lifetime, and a service may wait for its database by exiting until it
        # answers; a container that the engine restarts is exited for a moment
        ill = !well && ((restarts >= 5 && early == "") || (ended && (wanted != "started" || code != 0) && restarts == 0) || (ended && most > 0 && code != 0))
        if (ill && ended && code == 0 && !($6 in old)) over[service] = 1
    }
    if (well) good[service]++
    if (wanted ~ /^(running|started)$/ && health == "none" && state != "exited" && !($0 in same)) young = young $0 ";"
    # until `compose up` ends, it replaces containers: the state of those from an earlier start proves no failure, and a
    # container that is being removed is dead for a moment
    if ((ill && !($6 in old)) || (state == "dead" && up != "")) bad[service] = 1
}
END {
    for (i = 1; i <= n; i++) {
        service = order[i]
        if (seen[service] < replicas[service] || good[service] < seen[service]) waiting = waiting service " "
        if (bad[service]) broken = broken service " "
        if (over[service]) ends = ends service " "
    }
    print waiting; print broken; print young; print ends
}
