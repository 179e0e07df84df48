# Reads the lines of list_pods: `pod NAME SERVICE PHASE here|gone JOB probed|plain READY RESTARTS STATE REASON CODE`, state,
# reason and code of the first init container, creation time; and `job NAME SERVICE conditions,...`. Writes a line per pod and
# per Job in the columns of list_containers.

function hopeless(reason) {
    return reason ~ /^(ImagePullBackOff|ErrImageNeverPull|InvalidImageName|CreateContainerConfigError|CreateContainerError)$/
}
# judge: state, health and exit code of the pod of this line, by Docker's words
function judge(   health) {
    if (hopeless($11) || hopeless($14)) return "exited none 125"
    health = $7 == "probed" ? ($8 == "true" ? "healthy" : "starting") : "none"
    if ($10 == "running") return "running " health " 0"
    # the pod of a Job has ended a moment before its phase says so
    if ($10 == "terminated" && $6 != "-" && $12 + 0 == 0) return "exited none 0"
    if ($10 == "terminated" && $4 ~ /^(Succeeded|Failed)$/) return "exited none " $12 + 0
    if ($10 == "terminated" || $11 == "CrashLoopBackOff") return "restarting none " $12 + 0
    return "created none 0"
}
$1 == "pod" && $6 != "-" {
    if ($5 == "here" && $16 >= newest[$6]) { newest[$6] = $16; last[$6] = judge(); again[$6] = $9 }
    if ($10 == "terminated" && $12 + 0) failed[$6] = $12
    next
}
# a pod that is being removed has a successor, and so has one that a node evicted
$1 == "pod" && $5 == "here" && $4 != "Failed" { print $3, judge(), $9, $2, "always", 0 }
$1 == "job" { job[$2] = $3; is[$2] = $4 }
END {
    for (name in job) {
        if (is[name] ~ /,Complete/) state = "exited none 0"
        else if (is[name] ~ /,Failed/) state = "exited none " (failed[name] ? failed[name] : 1)
        else {
            state = name in last ? last[name] : "created none 0"
            # another pod follows one that failed, until the Job itself has failed
            if (state ~ /^exited none / && state !~ / (0|125)$/) sub(/^exited/, "restarting", state)
            if (state == "exited none 0") state = "running none 0"
        }
        print job[name], state, again[name] + 0, "job/" name, "no", 0
    }
}
