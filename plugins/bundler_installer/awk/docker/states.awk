# Reads the lines of list_containers, and from files the table `services` (`expected` lines) and the containers `before` the
# start. Writes three lines: services that are not ready yet, services that have failed, young containers.

BEGIN {
    while ((getline line < services) > 0) {
        split(line, f, "\t"); name = f[SERVICE["service"]]
        expect[name] = f[SERVICE["expect"]]; order[++n] = name
    }
    if (n + 0 != expected) exit 1 # with an incomplete list, services that were not checked would count as healthy
    while ((getline line < before) > 0) {
        same[line]
        if (up == "") { split(line, f, " "); old[f[6]] }
    }
}
{
    service = $1; state = $2; health = $3; code = $4; restarts = $5; policy = $7
    seen[service]++
    wanted = expect[service]
    if (wanted == "completed") {
        well = state == "exited" && code == 0
        ill = state == "exited" && code != 0
    } else {
        well = state == "running" && (health == "healthy" || (health == "none" && wanted == "running"))
        # restarts are counted over a container's lifetime, and a service may wait for its database by exiting until it
        # answers; a container that the engine restarts is exited for a moment
        ill = !well && ((restarts >= 5 && early == "") || (state == "exited" && code != 0 && restarts == 0 && (policy == "" || policy == "no")))
    }
    if (well) good[service]++
    if (wanted == "running" && health == "none" && !($0 in same)) young = young $0 ";"
    # until `compose up` ends, it replaces containers: the state of those from an earlier start proves no failure, and a
    # container that is being removed is dead for a moment
    if ((ill && !($6 in old)) || (state == "dead" && up != "")) bad[service] = 1
}
END {
    for (i = 1; i <= n; i++) {
        service = order[i]
        if (!seen[service] || good[service] < seen[service]) waiting = waiting service " "
        if (bad[service]) broken = broken service " "
    }
    print waiting; print broken; print young
}
