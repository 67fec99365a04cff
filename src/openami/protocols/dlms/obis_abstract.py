"""Abstract OBIS codes (value group A = 0)."""

from __future__ import annotations

from openami.protocols.dlms.obis_table import ObisTable

ABSTRACT = ObisTable("""
0.1.0                billing period counter
0.1.1                number of available billing periods
0.1.2                time stamp of the last billing period
0.1.3                billing period counter, scheme 2
0.1.4                number of available billing periods, scheme 2
0.1.5                time stamp of the last billing period, scheme 2
0.2.0                active firmware identification
0.2.1                active firmware version
0.2.8                active firmware signature
0.9.1                local time
0.9.2                local date
1.0.0                clock
1.0.1-127            clock {e}
1.1.*                UNIX clock {e}
1.2.*                high resolution clock {e}
2.0.0                modem configuration
2.1.0                auto connect
2.2.0                auto answer
10.*.0               global meter reset script table
10.*.1               end of billing period script table
10.*.100             tariffication script table
10.*.101             activate test mode script table
10.*.102             activate normal mode script table
10.*.103             output signals script table
10.*.104             optical test output script table
10.*.105             power quality measurement script table
10.*.106             disconnect control script table
10.*.107             image activation script table
10.*.108             push script table
10.*.109             load profile control script table
10.*.110             M-Bus profile control script table
10.*.111             function control script table
10.*.125             broadcast script table
11.0.*               special days table {e}
12.0.*               schedule {e}
13.0.*               activity calendar {e}
14.0.*               register activation {e}
15.*.0               end of billing period schedule
15.*.1               disconnect control schedule
15.*.2               image activation schedule
15.*.3               output control schedule
15.*.4               push schedule
15.*.5               load profile control schedule
15.*.6               M-Bus profile control schedule
15.*.7               function control schedule
15.0.*               single action schedule {e}
16.0.*               register monitor {e}
16.1.0-9             alarm monitor {e}
16.2.*               parameter monitor {e}
17.0.0               limiter
17.0.*               limiter {e}
18.0.*               array manager {e}
19.0-9.0             account {d}
19.10-19.*           credit {e}, account {n}
19.20-29.*           charge {e}, account {n}
19.40-49.*           token gateway {e}, account {n}
19.50-59.1           greatest credit limit, account {n}
19.50-59.2           greatest vend limit, account {n}
20.0.0               IEC optical port setup
20.0.1               IEC electrical port setup
21.0.0               general local port readout
21.0.1               general display readout
21.0.2               alternate display readout
21.0.3               service display readout
21.0.4               list of configurable meter data
21.0.*               additional readout profile {e}
22.0.0               IEC HDLC setup
23.0.0               IEC twisted pair setup
23.1.0               IEC twisted pair MAC address setup
23.2.0               IEC twisted pair fatal error register
24.0.0               M-Bus slave port setup
24.1.0               M-Bus client
24.2.*               M-Bus value {e}
24.3.*               M-Bus profile {e}
24.4.0               M-Bus disconnect control
24.5.0               M-Bus control log
24.6.0               M-Bus master port setup
24.8.*               DLMS server M-Bus port setup {e}
24.9.*               M-Bus diagnostic {e}
25.0.0               TCP-UDP setup
25.1.0               IPv4 setup
25.2.0               MAC address setup
25.3.0               PPP setup
25.4.0               GPRS modem setup
25.5.0               SMTP setup
25.6.0               GSM diagnostic
25.7.0               IPv6 setup
25.9.0               push setup
25.10.0              NTP setup
25.11.0              LTE monitoring
26.0.0               S-FSK Phy&MAC setup
26.1.0               S-FSK active initiator
26.2.0               S-FSK MAC synchronization timeouts
26.3.0               S-FSK MAC counters
26.5.0               IEC 61334-4-32 LLC setup
26.6.0               S-FSK reporting system list
27.0-2.0             ISO/IEC 8802-2 LLC setup {d}
28.0.0               IEC 61334-4-32 LLC SSCS setup
28.1.0               PRIME physical layer counters
28.2.0               PRIME MAC setup
28.3.0               PRIME MAC functional parameters
28.4.0               PRIME MAC counters
28.5.0               PRIME MAC network administration data
28.6.0               PRIME MAC address setup
28.7.0               PRIME application identification
29.0.0               G3-PLC MAC layer counters
29.1.0               G3-PLC MAC setup
29.2.0               G3-PLC 6LoWPAN adaptation layer setup
30.0.*               ZigBee SAS startup {e}
30.1.*               ZigBee SAS join {e}
30.2.*               ZigBee SAS APS fragmentation {e}
30.3.*               ZigBee network control {e}
30.4.*               ZigBee tunnel setup {e}
31.0.0               wireless mode Q channel
40.0.0               current association
40.0.*               association {e}
41.0.0               SAP assignment
42.0.0               COSEM logical device name
43.0.*               security setup {e}
43.1.*               invocation counter {e}
43.2.*               data protection {e}
44.0.*               image transfer {e}
44.1.*               function control {e}
65.0-15.*            standard table
65.16-31.*           manufacturer table
65.32-47.*           pending standard table
65.48-63.*           pending manufacturer table
66.0.*               compact data {e}
96.1.0               device identification 1
96.1.1               device identification 2
96.1.2-9             device identification of number {e}
96.1.10              metering point identification
96.1.255             complete device identification
96.2.0               number of configuration changes
96.2.1               date of the last configuration change
96.2.2               date of the last time switch program change
96.2.3               date of the last ripple control program change
96.2.4               status of the security switches
96.2.5               date of the last calibration
96.2.6               date of the next configuration change
96.2.7               date of activation of the passive calendar
96.2.10              number of protected configuration changes
96.2.11              date of the last protected configuration change
96.2.12              date of the last clock synchronisation
96.2.13              date of the last firmware activation
96.3.0               state of the input and output signals
96.3.1               state of the input signals
96.3.2               state of the output signals
96.3.3-4             state of the input and output signals {e}
96.3.10              disconnect control
96.3.20-29           arbitrator {e}
96.4.0-4             state of the internal control signals {e}
96.5.0-4             internal operating status {e}
96.6.0               battery, time in use
96.6.1               battery, charge
96.6.2               battery, date of the next change
96.6.3               battery, voltage
96.6.4               battery, initial capacity
96.6.5               battery, installation date
96.6.6               battery, estimated remaining time
96.6.10              auxiliary supply, time in use
96.6.11              auxiliary supply, voltage
96.7.0               number of power failures in all phases
96.7.1-3             number of power failures in L{e}
96.7.4               number of power failures of the auxiliary supply
96.7.5               number of long power failures in all phases
96.7.6               number of long power failures in L1
96.7.7               number of long power failures in L2
96.7.8               number of long power failures in L3
96.7.9               number of long power failures in any phase
96.7.10              time of power failure in all phases
96.7.11              time of power failure in L1
96.7.12              time of power failure in L2
96.7.13              time of power failure in L3
96.7.14              time of power failure in any phase
96.7.15              duration of long power failure in all phases
96.7.16              duration of long power failure in L1
96.7.17              duration of long power failure in L2
96.7.18              duration of long power failure in L3
96.7.19              duration of long power failure in any phase
96.7.20              time threshold of long power failures
96.7.21              number of power failures in any phase
96.8.0               time of operation
96.8.1-63            time of operation, tariff {e}
96.9.0               ambient temperature
96.9.1               ambient pressure
96.9.2               relative humidity
96.10.1-10           status word {e}
96.11.0              event code
96.11.1-99           event code {e}
96.12.1              communication port, number of connections
96.12.4              communication port, parameter 1
96.12.5              communication port, GSM field strength
96.12.6              communication port, own address
96.13.0              consumer message, local port
96.13.1              consumer message, display
96.14.0              currently active tariff
96.14.1-15           currently active tariff {e}
96.15.0-99           event counter {e}
96.16.0-9            profile entry signature {e}
96.20.0              meter opened, count
96.20.1              meter opened, time
96.20.2              meter opened, duration
96.20.3              meter opened, total duration
96.20.5              terminal cover opened, count
96.20.6              terminal cover opened, time
96.20.7              terminal cover opened, duration
96.20.8              terminal cover opened, total duration
96.20.10             tilted, count
96.20.11             tilted, time
96.20.12             tilted, duration
96.20.13             tilted, total duration
96.20.15             strong magnetic field, count
96.20.16             strong magnetic field, time
96.20.17             strong magnetic field, duration
96.20.18             strong magnetic field, total duration
96.20.20             supply switch tampered with, count
96.20.21             supply switch tampered with, time
96.20.22             supply switch tampered with, duration
96.20.23             supply switch tampered with, total duration
96.20.25             metrology tampered with, count
96.20.26             metrology tampered with, time
96.20.27             metrology tampered with, duration
96.20.28             metrology tampered with, total duration
96.20.30             communication tampered with, count
96.20.31             communication tampered with, time
96.20.32             communication tampered with, duration
96.20.33             communication tampered with, total duration
96.50-99.*           manufacturer specific
""")
