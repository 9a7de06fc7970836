import * as std from 'std'
import * as usock from 'usock'
std.out.puts(`hello ${usock.marker} ${usock.boottime()} ${JSON.stringify(usock.run('/bin/cat', ['A=1'], 'xyz', -1, 1000, 9999))}\n`)
std.exit(0)
