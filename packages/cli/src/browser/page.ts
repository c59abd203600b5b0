// The whole script of the page. Without it every view can be read: tables, links and forms work; charts and live progress need it.

import { startCharts } from "./charts/start.js"
import { startJobs } from "./jobs.js"
import { startKeys } from "./keys.js"
import { startLive } from "./live.js"
import { startTheme } from "./theme.js"
import { startTimes } from "./times.js"

startTimes()
startTheme()
startKeys()
startJobs()
startCharts()
startLive()
